import type { TokenUsage } from '@/lib/token-usage'
import type { Refusal } from './errors'

/**
 * What stands between a provider's stream and the caller. `StreamRelay` passes bytes through, `GovernedRelay` holds them
 * to policies, `ConvertingRelay` says them in another shape first.
 */
export type Relay = {
  /** Takes bytes from the provider; gives back those that may go to the caller now. */
  push(chunk: Buffer): Uint8Array | null
  /** The rest, in order, once the record is durable. Called once, after the last `push`. */
  end(): Uint8Array | null | Promise<Uint8Array | null>
  /** The stream said all it had to say. An end without that is a truncation, whatever the connection did. */
  readonly complete: boolean
  /** The provider reported an error inside a stream that had begun well. */
  readonly failed: boolean
  /** Nothing more will be shown, so that the provider need not be read any further; the caller is told why by `end`. */
  readonly stopped: Refusal | null
  readonly usage: TokenUsage | null
  /** What `usage` says is of the answer to its end. Providers count at its beginning too, when they have not written any of it. */
  readonly isCounted: boolean
  /** The model the provider says it used. */
  readonly model: string | null
  /** As what it says that it answered. */
  readonly serviceTier: string | null
  /** The provider's bytes came to their end as HTTP frames them; for what does not say itself when it is complete. */
  closed?(): void
  /** Bytes that it has been given and that wait for more to come; absent for what passes everything on at once. */
  readonly heldBytes?: number
  /** The most that it may be given; absent for what has a bound in time only. */
  readonly bytesMax?: number
}
