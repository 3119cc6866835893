import { AnswerStream, type AnswerStreamOptions } from '@/lib/policy/stream/answer-stream'
import type { Stop } from '@/lib/policy/stream/outcome'
import { BrokenFrame } from '@/lib/policy/stream/unreadable-frame'
import { Refusal } from './errors'
import type { Governor } from './governor'
import type { Relay } from './relay'

/** A stream held to the output policies of a chain, and to the tool policies for the calls in it. */
export class GovernedRelay implements Relay {
  readonly #stream: AnswerStream
  readonly #governor: Governor
  #stopped: Refusal | null = null

  constructor(
    options: Omit<AnswerStreamOptions, 'errorOf'>,
    governor: Governor,
    errorOf: (refusal: Refusal) => object,
  ) {
    this.#governor = governor
    this.#stream = new AnswerStream({
      ...options,
      errorOf: (stop) => ({ ...errorOf(this.#refusalOf(stop)) }),
    })
  }

  get complete(): boolean {
    return this.#stream.facts.complete
  }

  get failed(): boolean {
    return this.#stream.facts.failed
  }

  get stopped(): Refusal | null {
    const { stop } = this.#stream.outcome
    return stop === null ? null : this.#refusalOf(stop)
  }

  get usage() {
    return this.#stream.facts.usage
  }

  get isCounted(): boolean {
    return this.#stream.facts.isCounted
  }

  get model(): string | null {
    return this.#stream.facts.model
  }

  get serviceTier(): string | null {
    return this.#stream.facts.serviceTier
  }

  get heldBytes(): number {
    return this.#stream.heldBytes
  }

  push(chunk: Buffer): Uint8Array | null {
    try {
      return this.#stream.push(chunk)
    } catch (cause) {
      if (!(cause instanceof BrokenFrame)) throw cause
      throw new Refusal('upstream_failed', 'The provider sent something that is no answer.', { cause })
    }
  }

  async end(): Promise<Uint8Array | null> {
    const rest = await this.#stream.end()
    this.#governor.note(this.#stream.outcome)
    return rest
  }

  #refusalOf(stop: Stop): Refusal {
    if (this.#stopped !== null) return this.#stopped
    const { results } = this.#stream.outcome
    const isOfCall = results.some(
      ({ phase, verdict, reason_code }) =>
        phase === 'tool' && verdict === stop.verdict && reason_code === stop.reasonCode,
    )
    const refusal = this.#governor.refusalOf(isOfCall ? 'tool' : 'output', stop)
    this.#stopped = refusal ?? new Refusal('output_blocked', 'This answer was stopped.')
    return this.#stopped
  }
}
