import { randomUUID } from 'node:crypto'
import { chmod, link, mkdir, readFile, rename, unlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { GatewayStartError } from './start-error'

export type DataDirectory = { path: string; release: () => Promise<void> }

/**
 * Takes a directory for this process alone: two gateways on one spool would overwrite each other's records.
 *
 * The lock is a file with the holder's process id and start time; what a killed process left behind is taken over.
 *
 * @throws GatewayStartError `data_directory_in_use` naming the holder
 */
export async function takeDataDirectory(path: string, { isRestartable = false } = {}): Promise<DataDirectory> {
  await mkdir(path, { recursive: true, mode: 0o700 })
  await chmod(path, 0o700)
  const lock = join(path, 'gateway.lock')
  const started = await startOf(process.pid)
  const mine = JSON.stringify({ pid: process.pid, started, isRestartable, nonce: randomUUID() })
  const candidate = `${lock}.${process.pid}.${randomUUID()}`
  await writeFile(candidate, mine, { mode: 0o600 })
  try {
    for (let attempt = 0; attempt < 10; attempt++) {
      if (await tryLink(candidate, lock)) return { path, release: () => releaseLock(lock, mine) }
      await removeIfStale(lock, path)
    }
    throw new GatewayStartError('data_directory_in_use', `Several gateways are being started on ${path} at once.`)
  } finally {
    await unlink(candidate)
  }
}

async function removeIfStale(lock: string, path: string): Promise<void> {
  const content = await readFile(lock, 'utf8').catch(absent)
  if (content === null) return
  const holder = holderOf(content)
  if (holder && (await isAlive(holder))) {
    const message = `The data directory ${path} is used by another gateway (process ${holder.pid}). Stop it, or choose another with --data-dir.`
    throw new GatewayStartError('data_directory_in_use', message)
  }
  // Renaming is atomic, so of several that find a dead holder one takes it away; a living one's lock is put back.
  const taken = `${lock}.stale.${randomUUID()}`
  const moved = await rename(lock, taken).then(() => true, absent)
  if (!moved) return
  if ((await readFile(taken, 'utf8')) !== content) await tryLink(taken, lock)
  await unlink(taken)
}

async function releaseLock(lock: string, mine: string): Promise<void> {
  if ((await readFile(lock, 'utf8').catch(absent)) === mine) await unlink(lock)
}

async function tryLink(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to)
    return true
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'EEXIST') return false
    throw cause
  }
}

type Holder = { pid: number; started: string | null; isRestartable?: boolean }

/** The living gateway that uses a directory; null when there is none. */
export async function holderOfDirectory(path: string): Promise<Holder | null> {
  const content = await readFile(join(path, 'gateway.lock'), 'utf8').catch(absent)
  const holder = content === null ? null : holderOf(content)
  return holder && (await isAlive(holder)) ? holder : null
}

function holderOf(content: string): Holder | null {
  try {
    const { pid, started, isRestartable }: Holder = JSON.parse(content)
    return Number.isInteger(pid) && pid > 0 ? { pid, started, isRestartable } : null
  } catch {
    return null // written by nobody we know, so held by nobody
  }
}

async function isAlive({ pid, started }: Holder): Promise<boolean> {
  try {
    process.kill(pid, 0)
  } catch (cause) {
    return cause instanceof Error && 'code' in cause && cause.code === 'EPERM'
  }
  const fields = await statOf(pid)
  if (fields?.[0] === 'Z') return false // ended, and nobody has asked for its status
  const now = fields?.[19] ?? null
  return now === null || started === null || now === started
}

/** Tells a process from a later one with the same id. Linux only; null elsewhere. */
async function startOf(pid: number): Promise<string | null> {
  return (await statOf(pid))?.[19] ?? null
}

/** From the state on, which is the first that cannot contain a space. */
async function statOf(pid: number): Promise<string[] | null> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(absent)
  return stat?.slice(stat.lastIndexOf(')') + 2).split(' ') ?? null
}

function absent(cause: unknown): null {
  if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return null
  throw cause
}
