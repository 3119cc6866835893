import type { Readable } from 'node:stream'
import type { DriverContract } from 'flydrive/types'
import type { AppError } from '@/lib/errors'
import type { ByteRange, ObjectPage, PutOptions } from './object-store'

/** A driver of flydrive with what the store promises beyond it: durable writes, ranges, pages. Keys are checked already. */
export type ObjectDriver = Pick<DriverContract, 'exists' | 'getMetaData' | 'delete'> & {
  place: string
  canRetain: boolean
  write: (key: string, content: Uint8Array | string | Readable, options: PutOptions) => Promise<number>
  read: (key: string, range?: ByteRange) => Promise<Readable>
  page: (prefix: string, after: string | undefined, limit: number) => Promise<ObjectPage>
  signedUrl: (key: string, seconds: number, disposition: string) => Promise<string | null>
  /** What a failure of this driver means, without its secrets. */
  explain: (thrown: unknown) => AppError
  close: () => Promise<void>
}
