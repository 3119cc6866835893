import { open, rename } from 'node:fs/promises'
import { dirname } from 'node:path'

/**
 * Replaces a file so that a crash at any moment leaves the old content or the new one, never a part.
 *
 * Mode 0600. With `durable` the new content survives a power cut once this resolves.
 */
export async function writeFileAtomically(path: string, content: string | Buffer, durable: boolean): Promise<void> {
  const temporary = `${path}.tmp`
  const file = await open(temporary, 'w', 0o600)
  try {
    await file.writeFile(content)
    if (durable) await file.sync()
  } finally {
    await file.close()
  }
  await rename(temporary, path)
  if (durable) await syncDirectory(dirname(path))
}

/** Makes names that were added to or removed from a directory durable. */
export async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r')
  try {
    await directory.sync()
  } finally {
    await directory.close()
  }
}
