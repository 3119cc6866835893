import { constants } from 'node:fs'
import { access } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import type { Command } from 'commander'
import { whoami } from '@/lib/contract/whoami'
import { AppError } from '@/lib/errors'
import { addCommand, type Kt } from './command'
import { openConnection, parseApiUrl, requestHeaders } from './connection'
import { credentialsPath } from './credentials'
import { type Check, fail, ok, warn } from './doctor-check'
import { EXIT, Exit } from './failure'
import type { Io } from './io'
import { statOrAbsent } from './stat-or-absent'
import { printable } from './text'

type DoctorOptions = { dataDir?: string; gatewayUrl?: string; file?: string }

const NODE_MAJOR = 24
const NODE_MAJOR_MIN = 22
const PROBE_MS = 5_000
/** Expiry and the offline bound of keys are compared across machines: more than this is worth knowing. */
const CLOCK_WARN_MS = 5_000
const CLOCK_FAIL_MS = 300_000
const DEFAULT_GATEWAY_URL = 'http://localhost:41002'

const COLORS = { ok: 32, warn: 33, fail: 31 } as const

export function addDoctorCommand(io: Io, program: Command): void {
  addCommand<DoctorOptions>(io, program, {
    name: 'doctor',
    summary: 'Check what kt and a gateway need here (exit code 1 when something fails)',
    setUp: (command) =>
      command
        .option('--data-dir <dir>', 'where a gateway keeps its state (KEEPTRUSTS_DATA_DIR, default .keeptrusts)')
        .option('--file <file>', 'configuration to look at (default policy-config.yaml, when it is there)')
        .option('--gateway-url <url>', 'gateway to look at (default http://localhost:41002)'),
    run: examine,
  })
}

async function examine({ io, apiUrl, print }: Kt, { dataDir, gatewayUrl, file }: DoctorOptions): Promise<void> {
  const { checkConfiguration } = await import('./doctor-configuration')
  const checks = [
    checkRuntime(process.versions.node),
    await checkDataDir(resolve(dataDir ?? (io.env.KEEPTRUSTS_DATA_DIR || '.keeptrusts'))),
    await checkCredentialsFile(credentialsPath(io.env)),
    ...(await checkConfiguration(io, file)),
    ...(await checkControlPlane(io, apiUrl)),
    await checkGateway(gatewayUrl),
  ]
  if (print.format === 'table') for (const line of checks.flatMap((check) => lines(io, check))) print.line(line)
  else print.data({ checks })
  if (checks.some(({ status }) => status === 'fail')) throw new Exit(EXIT.failed)
}

function lines(io: Io, { name, status, detail, next_step }: Check): string[] {
  const hasColor = io.stdout.isTTY === true && !io.env.NO_COLOR
  const mark = hasColor ? `\u001b[${COLORS[status]}m${status.padEnd(4)}\u001b[0m` : status.padEnd(4)
  return [`${mark}  ${name}: ${printable(detail)}`, ...(next_step ? [`      ${printable(next_step)}`] : [])]
}

export function checkRuntime(version: string): Check {
  const major = Number.parseInt(version, 10)
  const detail = `Node.js ${version}`
  const next = 'Use Node.js 24 LTS; `npx kt` in the repository brings its own.'
  if (major < NODE_MAJOR_MIN) return fail('runtime', detail, next)
  return major < NODE_MAJOR ? warn('runtime', detail, next) : ok('runtime', detail)
}

async function checkDataDir(dir: string): Promise<Check> {
  const next = 'Choose another with --data-dir or KEEPTRUSTS_DATA_DIR, or change its permissions.'
  const found = await statOrAbsent(dir).catch(unlessOurs)
  if (found instanceof AppError) return fail('data directory', found.message, next)
  if (found && !found.isDirectory()) return fail('data directory', `${dir} is not a directory`, next)
  try {
    await access(found ? dir : await nearestExisting(dir), constants.W_OK | constants.X_OK)
  } catch {
    return fail('data directory', `${dir} is not writable`, next)
  }
  return ok('data directory', found ? `${dir} is writable` : `${dir} can be created`)
}

async function nearestExisting(path: string): Promise<string> {
  const parent = dirname(path)
  return (await statOrAbsent(parent)) || parent === path ? parent : nearestExisting(parent)
}

function unlessOurs(thrown: unknown): AppError {
  if (thrown instanceof AppError) return thrown
  throw thrown
}

async function checkCredentialsFile(path: string): Promise<Check> {
  const found = await statOrAbsent(path).catch(unlessOurs)
  if (found === null) return ok('credentials file', 'none stored')
  if (found instanceof AppError) return fail('credentials file', found.message, 'Check its folder.')
  const mode = (found.mode & 0o777).toString(8).padStart(4, '0')
  return found.mode & 0o077
    ? fail('credentials file', `${path} has mode ${mode}: others can read your session`, `chmod 600 ${path}`)
    : ok('credentials file', `${path} has mode ${mode}`)
}

async function checkControlPlane(io: Io, flag: string | undefined): Promise<Check[]> {
  const { apiUrl, client, token, tokenSource } = await openConnection(io, flag)
  const startedAt = Date.now()
  const answer = await probe(`${apiUrl}/healthz`)
  if ('failure' in answer) {
    const next = 'Start it with `npm start`, or point KEEPTRUSTS_API_URL or --api-url at it.'
    return [fail('control plane', `${apiUrl} cannot be reached: ${answer.failure}`, next)]
  }
  if (!answer.response.ok) {
    return [
      fail(
        'control plane',
        `${apiUrl}/healthz answered ${answer.response.status}`,
        'Check that this is a Keeptrusts control plane.',
      ),
    ]
  }
  const checks = [
    ok('control plane', `${apiUrl} answers`),
    checkClock(answer.response.headers.get('date'), (startedAt + Date.now()) / 2),
  ]
  const name = 'identity'
  if (!token) return [...checks, warn(name, 'not signed in', 'Run `kt auth login`, or set KEEPTRUSTS_API_TOKEN.')]
  const where = tokenSource === 'environment' ? 'KEEPTRUSTS_API_TOKEN' : 'stored session'
  try {
    const { actor, organization } = await client(whoami.get, {})
    return [...checks, ok(name, `${actor.name} at ${organization.name} (${where})`)]
  } catch (thrown) {
    if (!(thrown instanceof AppError)) throw thrown
    return [
      ...checks,
      fail(
        name,
        `${where}: ${thrown.message}`,
        'Run `kt auth login`, or set KEEPTRUSTS_API_TOKEN to a live access key.',
      ),
    ]
  }
}

/** The Date field has whole seconds, so less than one says nothing. */
export function checkClock(date: string | null, nowMs: number): Check {
  const serverMs = date ? Date.parse(date) + 500 : Number.NaN
  if (Number.isNaN(serverMs))
    return warn('clock', 'the control plane did not say its time', 'A proxy may strip the Date field.')
  const offMs = Math.round(nowMs - serverMs)
  const detail =
    Math.abs(offMs) < 1_500
      ? 'agrees with the control plane'
      : `${(offMs / 1_000).toFixed(1)} s against the control plane`
  const next = 'Synchronise the clock of this machine (NTP): expiry of keys is compared across machines.'
  if (Math.abs(offMs) >= CLOCK_FAIL_MS) return fail('clock', detail, next)
  return Math.abs(offMs) >= CLOCK_WARN_MS ? warn('clock', detail, next) : ok('clock', detail)
}

/** A gateway that was named must be there; the usual address is only looked at. */
async function checkGateway(url: string | undefined): Promise<Check> {
  const base = parseApiUrl(url ?? DEFAULT_GATEWAY_URL)
  const answer = await probe(`${base}/health`)
  if ('failure' in answer || !answer.response.ok) {
    const detail =
      'failure' in answer
        ? `${base} cannot be reached: ${answer.failure}`
        : `${base}/health answered ${answer.response.status}`
    const next = 'Start one with `npm start` or `kt run --managed`, or name another with --gateway-url.'
    return url ? fail('gateway', detail, next) : warn('gateway', detail, next)
  }
  const ready = await probe(`${base}/readyz`)
  return 'response' in ready && ready.response.ok
    ? ok('gateway', `${base} answers and is ready`)
    : fail(
        'gateway',
        `${base} answers but is not ready`,
        'It has no verified configuration: roll one out with `kt rollout`.',
      )
}

async function probe(url: string): Promise<{ response: Response } | { failure: string }> {
  try {
    const response = await fetch(url, {
      headers: requestHeaders(undefined),
      signal: AbortSignal.timeout(PROBE_MS),
      redirect: 'error',
    })
    await response.body?.cancel()
    return { response }
  } catch (thrown) {
    const cause = thrown instanceof Error ? (thrown.cause ?? thrown) : thrown
    if (cause instanceof Error) return { failure: 'code' in cause ? String(cause.code) : cause.message }
    return { failure: String(cause) }
  }
}
