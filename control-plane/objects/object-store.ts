import { randomBytes } from 'node:crypto'
import { Readable } from 'node:stream'
import { AppError } from '@/lib/errors'
import type { ObjectDriver } from './object-driver'

/** Bytes from `start` to `end`, both counted from 0 and both included, as in HTTP (RFC 9110 section 14.1.2). */
export type ByteRange = { start: number; end?: number }

export type PutOptions = {
  contentType?: string
  /** Until then nobody can delete or replace it: S3 object lock in compliance mode. Elsewhere it is refused. */
  retainUntil?: Date
  /** Gives up; nothing becomes visible. */
  signal?: AbortSignal
}

export type ListedObject = { key: string; size: number }
export type ObjectPage = { objects: ListedObject[] /** Where to go on; null at the end. */; next: string | null }

export const LIST_MAX = 1_000
/** What the signature of an S3 address can say at most (AWS Signature Version 4: one week). */
const SIGNED_SECONDS_MAX = 604_800

/** Names are made by us, never by a caller, and begin with the organisation's id. */
const KEY = /^org_[a-z0-9]+(?:\/[a-z0-9][a-z0-9_.-]*)+$/
const PREFIX = /^org_[a-z0-9]+(?:\/[a-z0-9][a-z0-9_.-]*)*\/$/
const KEY_LENGTH_MAX = 200

/** The key of an object of one organisation. @throws Error when a part cannot be in a key, which is a mistake of ours */
export const objectKey = (orgId: string, ...parts: string[]): string => checkedKey([orgId, ...parts].join('/'))

/**
 * Where bytes are kept that are too large for rows: payloads, exports, checkpoints. An object is there as a whole or not
 * at all, and `put` returns when it is durable. Objects of the same key replace each other.
 *
 * Every method throws AppError: `not_found`; `unavailable` when the store cannot be reached or has no space left;
 * `upstream_failed` when it refuses us. What is thrown says nothing of credentials.
 */
export class ObjectStore {
  readonly #driver: ObjectDriver

  constructor(driver: ObjectDriver) {
    this.#driver = driver
  }

  /** What an operator calls it: a directory or `s3://bucket/prefix`. */
  get place(): string {
    return this.#driver.place
  }

  /** Whether `retainUntil` can be kept. */
  get canRetain(): boolean {
    return this.#driver.canRetain
  }

  /** A stream is read once, in memory that does not grow with it. @returns how many bytes are stored now */
  async put(key: string, content: Uint8Array | string | Readable, options: PutOptions = {}): Promise<number> {
    checkedKey(key)
    if (options.retainUntil && !this.#driver.canRetain) {
      throw new Error('This object store cannot retain objects: only S3 with object lock can.')
    }
    try {
      return await this.#driver.write(key, content, options)
    } catch (error) {
      // What the source failed with says more than what that did to the driver.
      options.signal?.throwIfAborted()
      const failed = content instanceof Readable ? content.errored : null
      // Unless it only says that the driver, which had failed, left it.
      if (failed && failed.name !== 'AbortError') throw failed
      throw this.#driver.explain(error)
    }
  }

  /** Fails before the first byte when there is no such object; a range that begins behind its end is `invalid_request`. */
  async get(key: string, range?: ByteRange): Promise<Readable> {
    checkedKey(key)
    return this.#ask(() => this.#driver.read(key, range))
  }

  /** An object or a range of it, which may have `bytesMax` bytes. @throws AppError `body_too_large` when it has more */
  async bytes(key: string, bytesMax: number, range?: ByteRange): Promise<Buffer> {
    const stream = await this.get(key, range)
    return this.#ask(async () => {
      const chunks: Buffer[] = []
      let size = 0
      for await (const chunk of stream as AsyncIterable<Buffer>) {
        size += chunk.length
        if (size > bytesMax) throw new AppError('body_too_large', `The object has more than ${bytesMax} bytes.`)
        chunks.push(chunk)
      }
      return Buffer.concat(chunks, size)
    })
  }

  async exists(key: string): Promise<boolean> {
    checkedKey(key)
    return this.#ask(() => this.#driver.exists(key))
  }

  /** In bytes. */
  async size(key: string): Promise<number> {
    checkedKey(key)
    return this.#ask(async () => (await this.#driver.getMetaData(key)).contentLength)
  }

  /** Durable when it returns. What is not there is as good as deleted. */
  async delete(key: string): Promise<void> {
    checkedKey(key)
    return this.#ask(() => this.#driver.delete(key))
  }

  /** One page, in the order of the keys' bytes. `prefix` is an organisation's id or a folder in it, and ends with a slash. */
  async list(
    prefix: string,
    { after, limit = LIST_MAX }: { after?: string; limit?: number } = {},
  ): Promise<ObjectPage> {
    if (!PREFIX.test(prefix) || prefix.length > KEY_LENGTH_MAX) throw new Error(`No prefix of objects: ${prefix}`)
    return this.#ask(() => this.#driver.page(prefix, after, Math.min(limit, LIST_MAX)))
  }

  /**
   * An address that serves this object to whoever has it, for so many seconds, as a download of this name; null where the
   * store serves nobody by itself, so that the control plane must.
   */
  async signedUrl(key: string, seconds: number, { filename }: { filename: string }): Promise<string | null> {
    checkedKey(key)
    const expiresIn = Math.max(1, Math.min(Math.floor(seconds), SIGNED_SECONDS_MAX))
    const name = filename.replace(/[^A-Za-z0-9._-]/g, '_').slice(0, 100)
    return this.#ask(() => this.#driver.signedUrl(key, expiresIn, `attachment; filename="${name}"`))
  }

  /** Writes, reads and deletes a small object of no organisation. @throws AppError saying what cannot be done */
  async check(): Promise<void> {
    const key = `check-of-the-store-${randomBytes(8).toString('hex')}`
    await this.#ask(async () => {
      await this.#driver.write(key, 'ok', {})
      const stream = await this.#driver.read(key)
      stream.resume()
      await this.#driver.delete(key)
    })
  }

  async close(): Promise<void> {
    await this.#driver.close()
  }

  async #ask<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work()
    } catch (thrown) {
      throw thrown instanceof AppError ? thrown : this.#driver.explain(thrown)
    }
  }
}

export const isObjectKey = (key: string): boolean =>
  KEY.test(key) && key.length <= KEY_LENGTH_MAX && !key.includes('..')

function checkedKey(key: string): string {
  if (!isObjectKey(key)) throw new Error(`No key of an object: ${key}`)
  return key
}
