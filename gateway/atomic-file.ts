import { mkdir, open, readdir, readFile, rename, unlink } from 'node:fs/promises'
import { dirname } from 'node:path'

/** What is asked of a disk; tests hand in one that fails. */
export type Files = {
  open(path: string, flags: string, mode?: number): Promise<OpenFile>
  rename(from: string, to: string): Promise<void>
  unlink(path: string): Promise<void>
  mkdir(path: string, options: { recursive: true; mode: number }): Promise<unknown>
  readdir(path: string): Promise<string[]>
  readFile(path: string, encoding: 'utf8'): Promise<string>
}
type OpenFile = { writeFile(content: string | Buffer): Promise<void>; sync(): Promise<void>; close(): Promise<void> }

export const DISK: Files = { open, rename, unlink, mkdir, readdir, readFile }

/**
 * Replaces a file so that a crash at any moment leaves the old content or the new one, never a part.
 *
 * Mode 0600. With `durable` the new content survives a power cut once this resolves.
 */
export async function writeFileAtomically(
  path: string,
  content: string | Buffer,
  durable: boolean,
  files: Files = DISK,
): Promise<void> {
  const temporary = `${path}.tmp`
  const file = await files.open(temporary, 'w', 0o600)
  try {
    await file.writeFile(content)
    if (durable) await file.sync()
  } finally {
    await file.close()
  }
  await files.rename(temporary, path)
  if (durable) await syncDirectory(dirname(path), files)
}

/** Makes names that were added to or removed from a directory durable. */
export async function syncDirectory(path: string, files: Files = DISK): Promise<void> {
  const directory = await files.open(path, 'r')
  try {
    await directory.sync()
  } finally {
    await directory.close()
  }
}
