import { LRUCache } from 'lru-cache'
import type { CachedAnswer, CacheStore } from './answer-cache'

/** What an entry takes besides its body. */
const ENTRY_BYTES = 512

/** In this process, bounded in bytes and number; the least recently used goes first. */
export class MemoryCache implements CacheStore {
  readonly #entries: LRUCache<string, CachedAnswer>

  /** @param nowMs monotonic */
  constructor(bytesMax: number, entriesMax: number, nowMs = () => performance.now()) {
    this.#entries = new LRUCache({
      perf: { now: nowMs },
      ttlResolution: 0, // else it reads the clock once in a while only
      max: entriesMax,
      maxSize: bytesMax,
      sizeCalculation: ({ body }) => body.length + ENTRY_BYTES,
    })
  }

  async get(key: string): Promise<CachedAnswer | null> {
    return this.#entries.get(key) ?? null
  }

  async put(key: string, answer: CachedAnswer, ttlMs: number): Promise<void> {
    this.#entries.set(key, answer, { ttl: ttlMs })
  }

  async close(): Promise<void> {
    this.#entries.clear()
  }
}
