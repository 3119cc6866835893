import { createClient, RESP_TYPES } from 'redis'
import { type CachedAnswer, type CacheStore, decodeAnswer, encodeAnswer } from './answer-cache'

const COMMAND_TIMEOUT_MS = 250
const PREFIX = 'keeptrusts:answer:'

/** In Redis or Valkey, shared by gateways. A server that is away or slow is a miss after a quarter of a second. */
export class RedisCache implements CacheStore {
  readonly #client

  /** @param onError told of a connection that failed; the client keeps trying by itself */
  constructor(url: string, onError: (error: Error) => void) {
    this.#client = createClient({
      url,
      disableOfflineQueue: true,
      commandOptions: { timeout: COMMAND_TIMEOUT_MS },
      socket: { connectTimeout: 2_000, reconnectStrategy: (retries) => Math.min(100 * 2 ** retries, 10_000) },
    }).withTypeMapping({ [RESP_TYPES.BLOB_STRING]: Buffer })
    this.#client.on('error', onError)
    void this.#client.connect().catch(onError)
  }

  async get(key: string): Promise<CachedAnswer | null> {
    if (!this.#client.isReady) return null
    const bytes = await this.#client.get(PREFIX + key)
    return Buffer.isBuffer(bytes) ? decodeAnswer(bytes, Date.now()) : null
  }

  async put(key: string, answer: CachedAnswer, ttlMs: number): Promise<void> {
    if (!this.#client.isReady) return
    const bytes = encodeAnswer(answer, Date.now() + ttlMs)
    await this.#client.set(PREFIX + key, bytes, { expiration: { type: 'PX', value: Math.ceil(ttlMs) } })
  }

  async close(): Promise<void> {
    this.#client.destroy()
  }
}
