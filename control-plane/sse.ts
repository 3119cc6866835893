const KEEP_ALIVE_MS = 15_000
const encoder = new TextEncoder()

type Frame = { id?: string; data: unknown }

/**
 * Server-sent events (HTML Living Standard, section 9.2) from a generator, pulled at the reader's pace. A comment goes
 * out at least every 15 s; `stillAllowed` is asked then, and the stream ends when it says no. The generator must end when
 * its signal does: that is how it learns that the reader has gone or that the process is closing.
 */
export async function eventStream(
  open: (signal: AbortSignal) => AsyncGenerator<Frame> | Promise<AsyncGenerator<Frame>>,
  stillAllowed: () => Promise<boolean>,
  closing: AbortSignal,
): Promise<Response> {
  const gone = new AbortController()
  const frames = await open(AbortSignal.any([gone.signal, closing]))
  let pending: Promise<IteratorResult<Frame>> | undefined
  const body = new ReadableStream<Uint8Array>({
    start: (controller) => controller.enqueue(encoder.encode(': open\n\n')),
    async pull(controller) {
      pending ??= frames.next()
      const timer = Promise.withResolvers<'idle'>()
      const timeout = setTimeout(() => timer.resolve('idle'), KEEP_ALIVE_MS)
      const next = await Promise.race([pending, timer.promise]).finally(() => clearTimeout(timeout))
      if (next === 'idle') {
        if (await stillAllowed()) return controller.enqueue(encoder.encode(': keep-alive\n\n'))
        gone.abort()
        return controller.close()
      }
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
