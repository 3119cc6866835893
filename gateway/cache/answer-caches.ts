import type { CompiledConfig } from '@/lib/policy/compile'
import type { Log } from '../plane'
import { CACHED_BYTES_MAX, type CachedAnswer, type CacheStore } from './answer-cache'
import { DiskCache } from './disk-cache'
import { MemoryCache } from './memory-cache'
import { RedisCache } from './redis-cache'

/** Answers on their way into a store at once; more are not kept. */
const PUTS_MAX = 64
/** A store that belongs to no configuration in force is kept for requests that began under an earlier one. */
const UNUSED_MS_MAX = 60_000

type Surroundings = {
  /** Where answers on disk are kept; null when this gateway has no directory. */
  directory: string | null
  log: Log
}

/** How often an answer was found. */
export type CacheCounts = { hits: number; misses: number }

/** One store of answers. What goes wrong in it is a miss, and told to the log now and then. */
export class AnswerCache {
  readonly #store: CacheStore
  readonly #ttlMs: number
  readonly #counts: CacheCounts
  readonly #failed: (cause: unknown) => void
  #puts = 0

  constructor(store: CacheStore, ttlMs: number, counts: CacheCounts, failed: (cause: unknown) => void) {
    this.#store = store
    this.#ttlMs = ttlMs
    this.#counts = counts
    this.#failed = failed
  }

  /** Never rejects. @param isUsable whether an answer that is there may be given */
  async find(key: string, isUsable: (answer: CachedAnswer) => boolean): Promise<CachedAnswer | null> {
    try {
      const found = await this.#store.get(key)
      if (found !== null && isUsable(found)) {
        this.#counts.hits += 1
        return found
      }
    } catch (cause) {
      this.#failed(cause)
    }
    this.#counts.misses += 1
    return null
  }

  /** Keeps an answer without anybody waiting for it. */
  keep(key: string, answer: CachedAnswer): void {
    if (answer.body.length > CACHED_BYTES_MAX || this.#puts >= PUTS_MAX) return
    this.#puts += 1
    void this.#store
      .put(key, answer, this.#ttlMs)
      .catch(this.#failed)
      .finally(() => {
        this.#puts -= 1
      })
  }

  close(): Promise<void> {
    return this.#store.close()
  }
}

/** The stores of the configurations in force: one for each way in which `cache` and `gateway.redis` are written. */
export class AnswerCaches {
  readonly counts: CacheCounts = { hits: 0, misses: 0 }
  readonly #around: Surroundings
  readonly #open = new Map<string, { cache: AnswerCache; usedMs: number }>()
  readonly #names = new WeakMap<CompiledConfig, string>()
  #isClosed = false

  constructor(around: Surroundings) {
    this.#around = around
  }

  /** @returns null when answers are not used again under this configuration, or have nowhere to be kept */
  of(config: CompiledConfig): AnswerCache | null {
    if (config.cache === null || this.#isClosed) return null
    const name = this.#nameOf(config)
    const known = this.#open.get(name)
    if (known !== undefined) {
      known.usedMs = performance.now()
      return known.cache
    }
    const store = this.#storeOf(config)
    if (store === null) return null
    const cache = new AnswerCache(store, config.cache.ttlMs, this.counts, this.#logged(config.cache.backend))
    this.#open.set(name, { cache, usedMs: performance.now() })
    return cache
  }

  /** Called about once a second: lets go of stores that no request can need any more. */
  sweep(config: CompiledConfig | null, nowMs: number): void {
    const current = config?.cache ? this.#nameOf(config) : null
    for (const [name, { cache, usedMs }] of this.#open) {
      if (name === current || nowMs - usedMs < UNUSED_MS_MAX) continue
      this.#open.delete(name)
      void cache.close().catch(this.#logged('old'))
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true
    const open = [...this.#open.values()]
    this.#open.clear()
    await Promise.all(open.map(({ cache }) => cache.close().catch(this.#logged('closing'))))
  }

  #storeOf({ cache, redis }: CompiledConfig): CacheStore | null {
    if (cache === null) return null
    const { backend, bytesMax, entriesMax } = cache
    const { directory } = this.#around
    if (backend === 'memory') return new MemoryCache(bytesMax, entriesMax)
    if (backend === 'disk') return directory === null ? null : new DiskCache(directory, bytesMax, entriesMax)
    return redis?.url ? new RedisCache(redis.url, this.#logged('redis')) : null
  }

  #nameOf(config: CompiledConfig): string {
    const known = this.#names.get(config)
    if (known !== undefined) return known
    const name = JSON.stringify([config.cache, config.redis?.url ?? null])
    this.#names.set(config, name)
    return name
  }

  /** A store that is away fails with every request: the log is told once a minute at most. */
  #logged(backend: string): (cause: unknown) => void {
    let toldMs = Number.NEGATIVE_INFINITY
    return (cause) => {
      const nowMs = performance.now()
      if (nowMs - toldMs < TOLD_EVERY_MS) return
      toldMs = nowMs
      this.#around.log.warn({ err: cause, backend }, 'answers cannot be kept or found: requests go to providers')
    }
  }
}

const TOLD_EVERY_MS = 60_000
