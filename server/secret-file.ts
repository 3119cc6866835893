import { randomBytes } from 'node:crypto'
import { open, readFile, rename } from 'node:fs/promises'
import { dirname } from 'node:path'

/** What a file of the data directory says, or undefined when there is none. */
export const readSecret = (path: string): Promise<string | undefined> =>
  readFile(path, 'utf8').then(
    (text) => text.trim(),
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return undefined
      throw error
    },
  )

/** Writes a file that only its owner reads (0600), whole or not at all, and on the disk when this returns. */
export async function writeSecret(path: string, text: string): Promise<void> {
  const draft = `${path}.${randomBytes(6).toString('hex')}`
  const file = await open(draft, 'wx', 0o600)
  try {
    await file.writeFile(`${text}\n`)
    await file.sync()
  } finally {
    await file.close()
  }
  await rename(draft, path)
  const directory = await open(dirname(path), 'r')
  await directory.sync().finally(() => directory.close())
}

/** The secret in a file; 32 random bytes are put there the first time. */
export async function ensureSecret(path: string): Promise<string> {
  const found = await readSecret(path)
  if (found) return found
  const made = randomBytes(32).toString('base64url')
  await writeSecret(path, made)
  return made
}
