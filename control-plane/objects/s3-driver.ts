import { Readable } from 'node:stream'
import { GetObjectCommand, ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3'
import { Upload } from '@aws-sdk/lib-storage'
import { S3Driver as FlydriveS3 } from 'flydrive/drivers/s3'
import { AppError } from '@/lib/errors'
import type { ObjectDriver } from './object-driver'
import type { ByteRange, ObjectPage, PutOptions } from './object-store'

export type S3Settings = {
  bucket: string
  /** Stands before every key; empty or without slashes at its ends. */
  prefix: string
  /** Of a server that is not AWS; undefined means AWS. */
  endpoint: string | undefined
  region: string
}

const CONNECT_WITHIN_MS = 5_000
const ANSWER_WITHIN_MS = 60_000
/** Also how long whoever reads an object may pause. */
const SILENT_FOR_MS = 120_000
const ATTEMPTS_MAX = 3
/** Of 10,000 parts at most (S3), so that an object may have 78 GiB; two are in memory at once. */
const PART_BYTES = 8 * 1024 * 1024
const PARTS_AT_ONCE = 2

/**
 * Objects in S3, or in what speaks its API. flydrive's driver sends a stream in one piece, whose length must be known, and
 * reads no ranges: uploads go in parts, which become an object when the last is there. Credentials come from where AWS
 * tools look for them: the environment, files, the machine's role.
 */
export class S3Driver extends FlydriveS3 implements ObjectDriver {
  readonly place: string
  readonly canRetain = true
  readonly #client: S3Client
  readonly #bucket: string
  readonly #prefix: string

  constructor({ bucket, prefix, endpoint, region }: S3Settings) {
    const client = new S3Client({
      region,
      ...(endpoint ? { endpoint, forcePathStyle: true } : {}),
      maxAttempts: ATTEMPTS_MAX,
      requestHandler: {
        connectionTimeout: CONNECT_WITHIN_MS,
        requestTimeout: ANSWER_WITHIN_MS,
        throwOnRequestTimeout: true,
        socketTimeout: SILENT_FOR_MS,
      },
      // Other servers than AWS know no checksums at the end of a stream.
      requestChecksumCalculation: 'WHEN_REQUIRED',
      responseChecksumValidation: 'WHEN_REQUIRED',
    })
    super({ client, bucket, visibility: 'private', supportsACL: false })
    this.#client = client
    this.#bucket = bucket
    this.#prefix = prefix ? `${prefix}/` : ''
    this.place = `s3://${bucket}${prefix ? `/${prefix}` : ''}`
  }

  async write(
    key: string,
    content: Uint8Array | string | Readable,
    { contentType = 'application/octet-stream', retainUntil, signal }: PutOptions,
  ): Promise<number> {
    signal?.throwIfAborted()
    let size = 0
    const upload = new Upload({
      client: this.#client,
      partSize: PART_BYTES,
      queueSize: PARTS_AT_ONCE,
      params: {
        Bucket: this.#bucket,
        Key: this.#prefix + key,
        Body: content,
        ContentType: contentType,
        ...(retainUntil
          ? {
              ObjectLockMode: 'COMPLIANCE',
              ObjectLockRetainUntilDate: retainUntil,
              // S3 takes no object with a lock without a checksum.
              ChecksumAlgorithm: 'SHA256',
            }
          : {}),
      },
    })
    upload.on('httpUploadProgress', ({ loaded = 0 }) => {
      size = Math.max(size, loaded)
    })
    const abort = () => void upload.abort()
    signal?.addEventListener('abort', abort, { once: true })
    try {
      await upload.done()
      return size
    } catch (error) {
      if (typeof content === 'object' && 'destroy' in content) content.destroy()
      throw error
    } finally {
      signal?.removeEventListener('abort', abort)
    }
  }

  async read(key: string, range?: ByteRange): Promise<Readable> {
    const { Body } = await this.#client.send(
      new GetObjectCommand({
        Bucket: this.#bucket,
        Key: this.#prefix + key,
        ...(range ? { Range: `bytes=${range.start}-${range.end ?? ''}` } : {}),
      }),
    )
    if (Body instanceof Readable) return Body
    throw new AppError('unavailable', 'The object store answered without the object.')
  }

  override exists(key: string): Promise<boolean> {
    return super.exists(this.#prefix + key)
  }

  override getMetaData(key: string) {
    return super.getMetaData(this.#prefix + key)
  }

  override delete(key: string): Promise<void> {
    return super.delete(this.#prefix + key)
  }

  async page(prefix: string, after: string | undefined, limit: number): Promise<ObjectPage> {
    const { Contents = [], IsTruncated = false } = await this.#client.send(
      new ListObjectsV2Command({
        Bucket: this.#bucket,
        Prefix: this.#prefix + prefix,
        MaxKeys: limit,
        ...(after === undefined ? {} : { StartAfter: this.#prefix + after }),
      }),
    )
    const objects = Contents.map(({ Key = '', Size = 0 }) => ({ key: Key.slice(this.#prefix.length), size: Size }))
    return { objects, next: IsTruncated ? (objects.at(-1)?.key ?? null) : null }
  }

  signedUrl(key: string, seconds: number, disposition: string): Promise<string> {
    return super.getSignedUrl(this.#prefix + key, { expiresIn: seconds, contentDisposition: disposition })
  }

  /** What AWS throws can hold the access key and what was signed with it: only its name, status and request id are kept. */
  explain(thrown: unknown): AppError {
    const { name, status, cause, isAboutLock } = knownOf(thrown)
    const broken = (sentence: string) => new AppError('upstream_failed', sentence, { cause })
    if (name === 'NoSuchBucket') return broken('The bucket of the object store does not exist.')
    if (status === 404) return new AppError('not_found', 'There is no such object.', { cause })
    if (status === 416) return new AppError('invalid_request', 'The object ends before this range.', { cause })
    if (status === 401 || status === 403) return broken('The object store refuses our credentials.')
    if (name === 'CredentialsProviderError') return broken('There are no credentials for the object store.')
    if (isAboutLock) return broken('The bucket of the object store has no object lock.')
    if (status === 507 || NO_SPACE.has(name)) {
      return new AppError('unavailable', 'The object store has no space left.', { cause, retryAfterSeconds: 30 })
    }
    if (status === undefined || status === 429 || status >= 500) {
      return new AppError('unavailable', 'The object store cannot be reached now.', { cause, retryAfterSeconds: 5 })
    }
    return new AppError('internal', 'The object store failed.', { cause })
  }

  async close(): Promise<void> {
    this.#client.destroy()
  }
}

/** How servers other than AWS say that they are full. */
const NO_SPACE = new Set(['InsufficientStorage', 'XMinioStorageFull', 'QuotaExceeded', 'StorageFull'])

function knownOf(thrown: unknown) {
  const error = thrown instanceof Error ? thrown : new Error('The object store failed.')
  const metadata = '$metadata' in error && isRecord(error.$metadata) ? error.$metadata : {}
  const status = typeof metadata.httpStatusCode === 'number' ? metadata.httpStatusCode : undefined
  const code = 'code' in error && typeof error.code === 'string' ? error.code : ''
  const words = [error.name, status, code, metadata.requestId].filter(Boolean).join(' ')
  const isAboutLock = status === 400 && /object ?lock/i.test(error.message)
  return { name: error.name, status, isAboutLock, cause: new Error(words) }
}

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null
