import type { Target } from '@/lib/policy/compile'
import type { Ask } from '../ask'
import type { ByteShare } from '../byte-budget'
import type { Facts } from '../facts'
import type { Relay } from '../relay'
import { wholeUsage } from '../request-cost'
import type { CachedAnswer } from './answer-cache'
import type { AnswerCache, AnswerCaches } from './answer-caches'
import { type CacheUse, cacheUseOf, isFromOneOf } from './cache-rules'
import { RecordingRelay } from './recording-relay'

/** What one request finds in the cache of its configuration, and leaves there. */
export class CacheVisit {
  readonly #caches: AnswerCaches
  readonly #share: ByteShare
  readonly #facts: Facts
  #use: CacheUse | null = null
  #recorder: RecordingRelay | null = null

  constructor(caches: AnswerCaches, share: ByteShare, facts: Facts) {
    this.#caches = caches
    this.#share = share
    this.#facts = facts
  }

  /** What the answer says of it; null when the cache had no part in it. */
  get outcome(): 'hit' | 'miss' | null {
    if (this.#facts.cacheHit !== null) return 'hit'
    return this.#use === null ? null : 'miss'
  }

  /** @returns null when there is nothing to find; a promise only when a cache was asked */
  find(ask: Ask, tiers: readonly (readonly Target[])[]): CachedAnswer | null | Promise<CachedAnswer | null> {
    const cache = this.#cache
    this.#use = cache === null ? null : cacheUseOf(ask, this.#facts)
    if (cache === null || this.#use === null || !this.#use.mayFind) return null
    return cache.find(this.#use.key, isFromOneOf(tiers))
  }

  /** A stream of which a copy is taken, if it may be kept. */
  recorded(relay: Relay): Relay {
    if (this.#use?.mayKeep !== true) return relay
    this.#recorder = new RecordingRelay(relay, this.#share)
    return this.#recorder
  }

  keepStream(): void {
    this.keep('text/event-stream', this.#recorder?.recorded ?? null)
  }

  /** Keeps an answer as it came, so that the policies of the day decide about it each time that it is given. */
  keep(contentType: string, body: Buffer | null): void {
    const { made, modelAnswered: model, cacheHit } = this.#facts
    const target = made.at(-1)?.target
    const use = this.#use
    if (cacheHit !== null || use?.mayKeep !== true || body === null) return
    if (target === undefined || target.dataPolicy.zeroDataRetention) return
    const tokens = wholeUsage(this.#facts)
    this.#cache?.keep(use.key, { contentType, body, model, provider: target.provider, targetId: target.id, tokens })
  }

  get #cache(): AnswerCache | null {
    const { config } = this.#facts.snapshot
    return config === null ? null : this.#caches.of(config.compiled)
  }
}
