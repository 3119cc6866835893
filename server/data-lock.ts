import { randomUUID } from 'node:crypto'
import { link, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { processIdentity } from './process-identity'
import { StartError } from './start-error'

const Holder = z.object({
  nonce: z.string(),
  pid: z.number().int().positive(),
  /** See processIdentity. */
  identity: z.string(),
  since: z.iso.datetime(),
  url: z.string(),
})

export type DataLock = {
  /** Whether an earlier owner died without giving the directory back, so that it may have left processes behind. */
  wasAbandoned: boolean
  release: () => Promise<void>
}

/**
 * Makes this process the one owner of a data directory until it lets go or dies.
 * The lock of a process that no longer runs is taken over.
 *
 * @throws StartError naming the holder when another process owns it
 */
export async function lockDataDirectory(directory: string, url: string): Promise<DataLock> {
  const path = join(directory, 'lock')
  const identity = await processIdentity(process.pid)
  const nonce = randomUUID()
  const holder: z.infer<typeof Holder> = {
    nonce,
    pid: process.pid,
    identity: identity ?? '',
    since: new Date().toISOString(),
    url,
  }
  const mine = join(directory, `lock.${nonce}`)
  await writeFile(mine, JSON.stringify(holder), { mode: 0o600 })
  let wasAbandoned = false
  try {
    // A hard link either makes the name or fails: two starts at once cannot both succeed.
    while (!(await link(mine, path).then(() => true, isTaken))) {
      const found = await readHolder(path)
      if (found === 'gone') continue
      if (found && (await isAlive(found))) throw new StartError(refusal(directory, found))
      await removeStale(path, found?.nonce, nonce)
      wasAbandoned = true
    }
  } finally {
    await rm(mine, { force: true })
  }
  return {
    wasAbandoned,
    async release() {
      const found = await readHolder(path)
      if (found && found !== 'gone' && found.nonce === nonce) await rm(path, { force: true })
    },
  }
}

const isTaken = (error: NodeJS.ErrnoException): false => {
  if (error.code === 'EEXIST') return false
  throw error
}

/** null: a lock that cannot be read, such as one cut off by a full disk; nobody alive ever holds one. */
async function readHolder(path: string): Promise<z.infer<typeof Holder> | null | 'gone'> {
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw error
  })
  if (text === undefined) return 'gone'
  try {
    return Holder.parse(JSON.parse(text))
  } catch {
    return null
  }
}

const isAlive = async ({ pid, identity }: z.infer<typeof Holder>) => (await processIdentity(pid)) === identity

/** Renaming first shows what is being removed: a lock that somebody took in between is put back. */
async function removeStale(path: string, staleNonce: string | undefined, ownNonce: string): Promise<void> {
  const aside = `${path}.stale.${ownNonce}`
  await rename(path, aside).catch(ignoreMissing)
  const moved = await readHolder(aside)
  if (moved && moved !== 'gone' && moved.nonce !== staleNonce) await link(aside, path).catch(isTaken)
  await rm(aside, { force: true })
}

const ignoreMissing = (error: NodeJS.ErrnoException) => {
  if (error.code !== 'ENOENT') throw error
}

const refusal = (directory: string, { pid, since, url }: z.infer<typeof Holder>) =>
  `${directory} is in use by process ${pid}, running since ${since} at ${url}: stop that one, or start this one with another KEEPTRUSTS_DATA_DIR.`
