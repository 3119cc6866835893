import { AppError } from '@/lib/errors'
import { type ByteRange, isObjectKey, type ObjectStore } from '../objects/object-store'
import { commitmentOf } from './capture'
import { openPart, PACK_BYTES_MAX } from './pack'
import type { PayloadRow } from './queries'

/** `missing`: its object is not there. `modified`: it is not what the event committed to. */
export type Damage = 'missing' | 'modified'

/** Packs that are kept while parts of one after the other are asked for. */
const PACKS_KEPT = 3

/** The content of one part, read by its range. @param committed what the event's line says of it, in hex */
export async function readPart(objects: ObjectStore, row: PayloadRow, committed: string): Promise<Buffer | Damage> {
  const { objectKey, packOffset: start, packLength } = row
  if (objectKey === null || start === null || packLength === null) return 'missing'
  const sealed = await read(objects, objectKey, { start, end: start + packLength - 1 })
  return typeof sealed === 'string' ? sealed : opened(sealed, row, committed)
}

/** Reads the parts of many events, each pack once as long as they come in the order in which they were recorded. */
export class PackReader {
  readonly #packs = new Map<string, Buffer | Damage>()

  constructor(private readonly objects: ObjectStore) {}

  async read(row: PayloadRow, committed: string): Promise<Buffer | Damage> {
    const { objectKey, packOffset: start, packLength } = row
    if (objectKey === null || start === null || packLength === null) return 'missing'
    const pack = this.#packs.get(objectKey) ?? (await read(this.objects, objectKey))
    this.#packs.delete(objectKey)
    this.#packs.set(objectKey, pack)
    for (const oldest of this.#packs.keys()) {
      if (this.#packs.size <= PACKS_KEPT) break
      this.#packs.delete(oldest)
    }
    return typeof pack === 'string' ? pack : opened(pack.subarray(start, start + packLength), row, committed)
  }
}

function opened(sealed: Buffer, row: PayloadRow, committed: string): Buffer | Damage {
  if (row.key === null || row.salt === null) return 'missing'
  const content = sealed.length === row.packLength ? openPart(sealed, row, row.key) : null
  return content !== null && commitmentOf(Buffer.from(row.salt, 'base64'), content) === committed ? content : 'modified'
}

async function read(objects: ObjectStore, objectKey: string, range?: ByteRange): Promise<Buffer | Damage> {
  // Somebody put it there: no object has such a name.
  if (!isObjectKey(objectKey)) return 'missing'
  try {
    return await objects.bytes(objectKey, PACK_BYTES_MAX, range)
  } catch (thrown) {
    if (!(thrown instanceof AppError)) throw thrown
    if (thrown.code === 'not_found') return 'missing'
    // It is longer than any pack, or ends before the part begins.
    if (thrown.code === 'body_too_large' || thrown.code === 'invalid_request') return 'modified'
    throw thrown
  }
}
