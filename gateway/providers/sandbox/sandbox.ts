import { setTimeout as sleep } from 'node:timers/promises'
import { parseJson } from '@/lib/parse-json'
import type { Provider, UpstreamCall, UpstreamHandler, UpstreamRequest } from '../provider'
import { answerFor } from './answer'

/** Time between two chunks of a stream, so that one can watch it arrive. */
const CHUNK_GAP_MS = 15
/** The same for the model `sandbox-slow`: long enough to revoke a key in the middle of a stream. */
const SLOW_CHUNK_GAP_MS = 400

/**
 * Answers without any provider: offline, free, the same for the same request. It exists so that the product can be tried
 * with no account anywhere; it reports usage and streams as a real provider does.
 */
export class SandboxProvider implements Provider {
  send(request: UpstreamRequest, handler: UpstreamHandler): void {
    const call = new SandboxCall()
    handler.onRequestStart(call)
    this.#run(request, handler, call).catch((error: unknown) => {
      handler.onResponseError(call, error instanceof Error ? error : new Error(String(error)))
    })
  }

  async close(): Promise<void> {}

  async #run(request: UpstreamRequest, handler: UpstreamHandler, call: SandboxCall): Promise<void> {
    const answer = answerFor(parseJson(request.body.toString('utf8')))
    const gapMs = answer.model === 'sandbox-slow' ? SLOW_CHUNK_GAP_MS : CHUNK_GAP_MS
    if (!request.stream) {
      if (answer.model === 'sandbox-slow') await sleep(SLOW_CHUNK_GAP_MS * 5)
      call.throwIfAborted()
      handler.onResponseStart(call, 200, { 'content-type': 'application/json' })
      handler.onResponseData(call, Buffer.from(JSON.stringify(answer.completion())))
    } else {
      handler.onResponseStart(call, 200, { 'content-type': 'text/event-stream; charset=utf-8' })
      for (const chunk of answer.chunks()) {
        await call.whenResumed()
        call.throwIfAborted()
        handler.onResponseData(call, Buffer.from(`data: ${JSON.stringify(chunk)}\n\n`))
        await sleep(gapMs)
      }
      await call.whenResumed()
      call.throwIfAborted()
      handler.onResponseData(call, Buffer.from('data: [DONE]\n\n'))
    }
    handler.onResponseEnd(call)
  }
}

class SandboxCall implements UpstreamCall {
  #aborted: Error | null = null
  #resumed: { promise: Promise<void>; resolve: () => void } | null = null

  pause(): void {
    this.#resumed ??= Promise.withResolvers<void>()
  }

  resume(): void {
    this.#resumed?.resolve()
    this.#resumed = null
  }

  abort(reason: Error): void {
    this.#aborted = reason
    this.resume()
  }

  async whenResumed(): Promise<void> {
    await this.#resumed?.promise
  }

  throwIfAborted(): void {
    if (this.#aborted !== null) throw this.#aborted
  }
}
