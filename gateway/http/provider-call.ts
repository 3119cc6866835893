import type { UpstreamCall, UpstreamHandler } from '../providers/provider'

/** What is sent to a provider. */
export type ProviderRequest = {
  /** All of it, checked, with the empty line behind it. */
  head: string
  body: Buffer
  /** For the first byte of the answer, and between any two of them. */
  timeoutMs: number
}

/** A call under way: the hand of its caller on it, whoever carries it at the moment. */
export class ProviderCall implements UpstreamCall {
  isOver = false
  isPaused = false
  /** Who reads its answer. */
  carrier: UpstreamCall | null = null

  constructor(
    readonly request: ProviderRequest,
    readonly handler: UpstreamHandler,
  ) {}

  pause(): void {
    this.isPaused = true
    this.carrier?.pause()
  }

  resume(): void {
    this.isPaused = false
    this.carrier?.resume()
  }

  abort(reason: Error): void {
    const { carrier } = this
    this.fail(reason)
    carrier?.abort(reason)
  }

  end(): void {
    if (this.isOver) return
    this.isOver = true
    this.carrier = null
    try {
      this.handler.onResponseEnd(this)
    } catch (cause) {
      this.handler.onResponseError(this, errorOf(cause))
    }
  }

  fail(error: Error): void {
    if (this.isOver) return
    this.isOver = true
    this.carrier = null
    this.handler.onResponseError(this, error)
  }
}

export const errorOf = (thrown: unknown) => (thrown instanceof Error ? thrown : new Error(String(thrown)))
