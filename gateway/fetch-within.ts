import { request as send } from 'undici'

/** Of an answer; what a control plane says to a gateway has a few megabytes at most. */
const ANSWER_BYTES_MAX = 32 * 1_048_576

/**
 * Sends a request and reads the whole answer, or fails when that takes longer than `timeoutMs` or
 * is larger than 32 MiB.
 *
 * Not the global fetch: there, what ties a signal to an answer under way can be garbage collected, and a control plane
 * that stops in the middle of an answer would then be waited for without end. Here the timer holds on to it.
 *
 * @throws TimeoutError, or what the network said
 */
export async function fetchWithin(request: Request, timeoutMs: number, signal?: AbortSignal): Promise<Response> {
  const ending = new AbortController()
  const stop = () => ending.abort(signal?.reason)
  const timer = setTimeout(
    () => ending.abort(new DOMException(`No answer within ${timeoutMs / 1_000} s.`, 'TimeoutError')),
    timeoutMs,
  )
  signal?.addEventListener('abort', stop)
  if (signal?.aborted) stop()
  try {
    const { statusCode, headers, body } = await send(request.url, {
      method: request.method as 'GET' | 'POST',
      headers: Object.fromEntries(request.headers),
      body: request.body ? await request.text() : null,
      signal: ending.signal,
    })
    const bytes = await wholeOf(body)
    const answered = new Headers()
    for (const [name, value] of Object.entries(headers)) if (typeof value === 'string') answered.set(name, value)
    return new Response(statusCode === 204 || statusCode === 304 ? null : bytes, {
      status: statusCode,
      headers: answered,
    })
  } finally {
    clearTimeout(timer)
    signal?.removeEventListener('abort', stop)
  }
}

async function wholeOf(body: AsyncIterable<Buffer>): Promise<Uint8Array<ArrayBuffer>> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of body) {
    size += chunk.length
    if (size > ANSWER_BYTES_MAX) throw new Error('The answer is larger than 32 MiB.')
    chunks.push(chunk)
  }
  return new Uint8Array(Buffer.concat(chunks))
}
