import 'server-only'

/**
 * The one exit to the log for what the console did not expect. Only kind, message and stack: headers, cookies and
 * tokens are on no error that passes here.
 */
export function reportError(where: string, requestId: string, thrown: unknown) {
  const { name, message, stack } = thrown instanceof Error ? thrown : new Error(String(thrown))
  console.error(JSON.stringify({ level: 'error', where, request_id: requestId, error: { name, message, stack } }))
}
