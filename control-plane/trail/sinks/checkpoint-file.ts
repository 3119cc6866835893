import { mkdir, open } from 'node:fs/promises'
import { join } from 'node:path'
import type { Told } from './sink'

const LINE_FEED = 0x0a

/**
 * Appends a checkpoint to a file that is only ever added to (0600), one JSON object a line, and waits for the disk.
 *
 * @param name checked to be a plain file name
 */
export async function appendCheckpoint(directory: string, name: string, told: Told): Promise<void> {
  const folder = join(directory, told.orgId)
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const file = await open(join(folder, name), 'a+', 0o600)
  try {
    const { size } = await file.stat()
    const last = size > 0 ? (await file.read(Buffer.alloc(1), 0, 1, size - 1)).buffer[0] : LINE_FEED
    const line = JSON.stringify({
      signed_at: told.signedAt,
      origin: told.origin,
      tree_size: told.size,
      root_hash: told.rootHash,
      digest_id: told.digestId,
      note: told.note,
    })
    // A crash may have left half a line; it must not swallow this one.
    await file.appendFile(`${last === LINE_FEED ? '' : '\n'}${line}\n`)
    await file.sync()
  } finally {
    await file.close()
  }
}
