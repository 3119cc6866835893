import { CommanderError } from 'commander'
import { ZodError } from 'zod'
import { GatewayStartError } from '@/gateway/start-error'
import { AppError, type ErrorCode } from '@/lib/errors'
import type { Io } from './io'
import { printable, printableLines } from './text'

/** Stable, so that scripts can rely on them: docs/cli.md. */
export const EXIT = {
  ok: 0,
  failed: 1,
  invalidInput: 2,
  notFound: 3,
  notAllowed: 4,
  unavailable: 5,
  interrupted: 130,
} as const

/** Ends the command with an exit code after its output has already said why. */
export class Exit extends Error {
  override readonly name = 'Exit'

  constructor(readonly exitCode: number) {
    super(`exit ${exitCode}`)
  }
}

const EXIT_OF_STATUS: Record<number, number> = {
  400: EXIT.invalidInput,
  401: EXIT.notAllowed,
  403: EXIT.notAllowed,
  404: EXIT.notFound,
  408: EXIT.unavailable,
  413: EXIT.invalidInput,
  414: EXIT.invalidInput,
  415: EXIT.invalidInput,
  422: EXIT.invalidInput,
  429: EXIT.unavailable,
  431: EXIT.invalidInput,
  502: EXIT.unavailable,
  503: EXIT.unavailable,
  504: EXIT.unavailable,
}

const CHECK_SERVER =
  'Check that the control plane runs there, --api-url and KEEPTRUSTS_API_URL; `kt doctor` looks closer.'
const SIGN_IN = 'Sign in with `kt auth login`, or set KEEPTRUSTS_API_TOKEN to an access key.'

const NEXT_STEP: Partial<Record<ErrorCode, string>> = {
  unauthenticated: SIGN_IN,
  token_invalid: SIGN_IN,
  token_expired: 'Create another key with `kt tokens create`, or sign in with `kt auth login`.',
  token_revoked: 'Create another key with `kt tokens create`, or sign in with `kt auth login`.',
  token_rotated_out: 'This key was rotated: use its new secret.',
  session_expired: SIGN_IN,
  sign_in_failed: 'Check the e-mail address and the password.',
  forbidden: '`kt auth whoami` shows what you may do.',
  legal_hold: 'The message names the hold; whoever may release it decides.',
  payload_modified: 'Tell an operator: the log of the control plane names event and part.',
  name_taken: 'Choose another name.',
  invalid_filter: 'A filter reads field=value, such as --filter "token_name=app-production verdict=block".',
  unavailable: CHECK_SERVER,
  upstream_timeout: CHECK_SERVER,
  upstream_failed: CHECK_SERVER,
}

/** Says on stderr what failed and what to do next, and returns the exit code that stands for it. */
export function reportFailure(thrown: unknown, io: Io): number {
  if (thrown instanceof Exit) return thrown.exitCode
  // commander has already written its message.
  if (thrown instanceof CommanderError) return thrown.exitCode === 0 ? EXIT.ok : EXIT.invalidInput
  if (thrown instanceof AppError) {
    io.stderr.write(`${appErrorLines(thrown).join('\n  ')}\n`)
    return EXIT_OF_STATUS[thrown.status] ?? EXIT.failed
  }
  if (thrown instanceof GatewayStartError) {
    io.stderr.write(`kt: ${printableLines(thrown.message)}\n`)
    return thrown.exitCode
  }
  if (thrown instanceof ZodError) {
    const where = thrown.issues.map((issue) => `${issue.path.join('.') || 'answer'}: ${issue.message}`).join('; ')
    io.stderr.write(
      `kt: The control plane answered in a shape that this version of kt does not know (${printable(where)}).\n`,
    )
    io.stderr.write('  Use the kt of the same release as the control plane.\n')
    return EXIT.failed
  }
  io.stderr.write(
    `kt: ${printableLines(thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown))}\n`,
  )
  return EXIT.failed
}

function appErrorLines(error: AppError): string[] {
  const lines = problemLines(error).map((line) => printable(line))
  lines[0] = `kt: ${lines[0]}`
  if (error.retryAfterSeconds) lines.push(`Try again in ${error.retryAfterSeconds} s.`)
  const next = NEXT_STEP[error.code]
  if (next) lines.push(next)
  if (error.requestId && error.status >= 500) lines.push(`Request id: ${printable(error.requestId)}`)
  return lines
}

/**
 * Each problem once: the control plane says all of them in its message, too, where there is nothing else to say, and of a
 * single one there more than beside its field.
 */
function problemLines({ message, errors = [] }: AppError): string[] {
  const problems = errors.map((one) => (one.path ? `${one.path}: ${one.message}` : one.message))
  const isAll = problems.length > 0 && message === problems.join('; ')
  const [only] = errors
  if (errors.length === 1 && only?.path && message.startsWith(`${only.path}: `)) return [message]
  return isAll ? problems : [message, ...problems.filter((problem) => !message.includes(problem))]
}
