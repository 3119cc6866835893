import { DrizzleQueryError } from 'drizzle-orm/errors'

type LoggedError = { type: string; message: string; code?: string; stack: string; cause?: LoggedError }

const CAUSES_MAX = 5

/**
 * What of an error is logged. A failed query carries its values: prompts, hashes of passwords and keys, addresses. Only its
 * statement is kept, and of the driver's error no field but message and code, since `detail` and `where` quote rows.
 */
export function loggedError(thrown: unknown, causesMax = CAUSES_MAX): LoggedError {
  const error = thrown instanceof Error ? thrown : new Error(String(thrown))
  const message = error instanceof DrizzleQueryError ? `Failed query: ${error.query}` : error.message
  return {
    type: error.constructor.name,
    message,
    ...('code' in error && typeof error.code === 'string' ? { code: error.code } : {}),
    stack: framesOf(error),
    ...(error.cause !== undefined && causesMax > 0 ? { cause: loggedError(error.cause, causesMax - 1) } : {}),
  }
}

/** A stack begins with the message, which may have lines that look like frames. */
const framesOf = ({ stack = '', message }: Error) =>
  stack
    .replace(message, () => '')
    .match(/^ {4}at .*$/gm)
    ?.join('\n') ?? ''
