const KEEP_ALIVE_MS = 15_000
/** How long a token that has ended may go on reading, whether or not there is something to read. */
const ALLOWED_FOR_MS = 15_000
const encoder = new TextEncoder()

type Frame = { id?: string; data: unknown }
type Open = (signal: AbortSignal) => AsyncGenerator<Frame> | Promise<AsyncGenerator<Frame>>

/**
 * Server-sent events (HTML Living Standard, section 9.2) from a generator, pulled at the reader's pace. A comment goes
 * out after 15 s of silence. `stillAllowed` is asked every 15 s, and the stream ends when it says no. The generator must
 * end when its signal does: that is how it learns that the reader has gone or that the process is closing.
 *
 * @throws what `open` throws; its signal has ended then
 */
export async function eventStream(
  open: Open,
  stillAllowed: () => Promise<boolean>,
  closing: AbortSignal,
): Promise<Response> {
  const gone = new AbortController()
  const frames = await begun(open, gone, closing)
  let checkedMs = performance.now()
  let pending: Promise<IteratorResult<Frame>> | undefined
  const body = new ReadableStream<Uint8Array>({
    start: (controller) => controller.enqueue(encoder.encode(': open\n\n')),
    async pull(controller) {
      pending ??= frames.next()
      const timer = Promise.withResolvers<'idle'>()
      const timeout = setTimeout(() => timer.resolve('idle'), KEEP_ALIVE_MS)
      const next = await Promise.race([pending, timer.promise]).finally(() => clearTimeout(timeout))
      if (next === 'idle' || performance.now() - checkedMs >= ALLOWED_FOR_MS) {
        if (!(await stillAllowed())) {
          gone.abort()
          return controller.close()
        }
        checkedMs = performance.now()
      }
      if (next === 'idle') return controller.enqueue(encoder.encode(': keep-alive\n\n'))
      pending = undefined
      if (next.done) return controller.close()
      const id = next.value.id === undefined ? '' : `id: ${next.value.id}\n`
      controller.enqueue(encoder.encode(`${id}data: ${JSON.stringify(next.value.data)}\n\n`))
    },
    cancel: () => gone.abort(),
  })
  return new Response(body, {
    headers: { 'content-type': 'text/event-stream', 'cache-control': 'no-store', 'x-accel-buffering': 'no' },
  })
}

/** A stream that cannot begin has often subscribed already: without the end of its signal it would be heard for ever. */
async function begun(open: Open, gone: AbortController, closing: AbortSignal): Promise<AsyncGenerator<Frame>> {
  try {
    return await open(AbortSignal.any([gone.signal, closing]))
  } catch (thrown) {
    gone.abort()
    throw thrown
  }
}
