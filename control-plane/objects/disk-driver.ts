import { randomBytes } from 'node:crypto'
import { mkdir, open, opendir, readdir, rename, rm, stat } from 'node:fs/promises'
import { dirname, join, relative } from 'node:path'
import type { Readable } from 'node:stream'
import { FSDriver } from 'flydrive/drivers/fs'
import { AppError } from '@/lib/errors'
import type { ObjectDriver } from './object-driver'
import type { ByteRange, ListedObject, ObjectPage, PutOptions } from './object-store'

const NOT_FOUND = 'There is no such object.'
/** No key begins with a dot. */
const UNFINISHED = '.unfinished'
/** Whoever still writes changes the file's time again and again. */
const ABANDONED_AFTER_MS = 60 * 60 * 1_000

/**
 * Objects as files. flydrive's driver writes in place and does not wait for the disk, so a crash or a full disk leaves
 * half an object under its name, and it reads no ranges and lists no pages: those parts are ours. A file is written
 * beside the others, forced to the disk and then given its name, which is forced to the disk as well.
 */
export class DiskDriver extends FSDriver implements ObjectDriver {
  readonly place: string
  readonly canRetain = false

  private constructor(readonly root: string) {
    super({ location: root, visibility: 'private' })
    this.place = root
  }

  /** Makes the directory (0700) and removes what a crash left unfinished. @throws AppError when it cannot */
  static async open(root: string): Promise<DiskDriver> {
    const driver = new DiskDriver(root)
    try {
      await driver.#prepare()
      return driver
    } catch (error) {
      const known = driver.explain(error)
      if (known.code !== 'not_found' && known.code !== 'internal') throw known
      throw new AppError('upstream_failed', 'The directory of the object store cannot be made.', { cause: error })
    }
  }

  async #prepare(): Promise<void> {
    const unfinished = join(this.root, UNFINISHED)
    await mkdir(this.root, { recursive: true, mode: 0o700 })
    // Not recursive, which would say ENOENT of a file system that can only be read.
    await mkdir(unfinished, { mode: 0o700 }).catch(ignoreExisting)
    for await (const entry of await opendir(unfinished)) {
      const path = join(unfinished, entry.name)
      const known = await stat(path).catch(ignoreMissing)
      if (known && Date.now() - known.mtimeMs > ABANDONED_AFTER_MS) await rm(path, { force: true })
    }
  }

  async write(key: string, content: Uint8Array | string | Readable, { signal }: PutOptions): Promise<number> {
    const path = join(this.root, key)
    const unfinished = join(this.root, UNFINISHED, randomBytes(16).toString('hex'))
    try {
      const file = await open(unfinished, 'wx', 0o600)
      let size: number
      try {
        await file.writeFile(content, { signal })
        await file.sync()
        size = (await file.stat()).size
      } finally {
        await file.close()
      }
      signal?.throwIfAborted()
      await this.#makeDirectory(dirname(path))
      await rename(unfinished, path)
      await syncDirectory(dirname(path))
      return size
    } catch (error) {
      if (typeof content === 'object' && 'destroy' in content) content.destroy()
      await rm(unfinished, { force: true })
      throw error
    }
  }

  async read(key: string, range?: ByteRange): Promise<Readable> {
    const file = await open(join(this.root, key), 'r')
    try {
      const known = await file.stat()
      if (!known.isFile()) throw new AppError('not_found', NOT_FOUND)
      const { size } = known
      if (range && range.start >= size) throw new AppError('invalid_request', `The object has ${size} bytes.`)
      return file.createReadStream({ start: range?.start ?? 0, end: range?.end ?? Number.POSITIVE_INFINITY })
    } catch (error) {
      await file.close()
      throw error
    }
  }

  override async delete(key: string): Promise<void> {
    await super.delete(key)
    // A directory that is not there has forgotten the file already.
    await syncDirectory(dirname(join(this.root, key))).catch(ignoreMissing)
  }

  async page(prefix: string, after: string | undefined, limit: number): Promise<ObjectPage> {
    const objects: ListedObject[] = []
    for await (const path of filesIn(join(this.root, prefix), (known) => this.#isBefore(known, after))) {
      const key = relative(this.root, path)
      if (after !== undefined && key <= after) continue
      if (objects.length === limit) return { objects, next: objects.at(-1)?.key ?? null }
      // It may be deleted meanwhile.
      const known = await stat(path).catch(ignoreMissing)
      if (known) objects.push({ key, size: known.size })
    }
    return { objects, next: null }
  }

  async signedUrl(): Promise<null> {
    return null
  }

  explain(thrown: unknown): AppError {
    const code = thrown instanceof Error && 'code' in thrown ? String(thrown.code) : ''
    if (code === 'ENOENT' || code === 'ENOTDIR') return new AppError('not_found', NOT_FOUND, { cause: thrown })
    const away = AWAY[code]
    if (away) return new AppError('unavailable', away, { cause: thrown, retryAfterSeconds: 30 })
    const broken = BROKEN[code]
    if (broken) return new AppError('upstream_failed', broken, { cause: thrown })
    return new AppError('internal', 'The object store failed.', { cause: thrown })
  }

  async close(): Promise<void> {
    // Nothing is held open between calls.
  }

  /** Whether everything in this directory comes before what was listed last. */
  #isBefore(directory: string, after: string | undefined): boolean {
    const start = `${relative(this.root, directory)}/`
    return after !== undefined && !after.startsWith(start) && start < after
  }

  /** The names of new directories are forced to the disk too, from the innermost that was there already. */
  async #makeDirectory(path: string): Promise<void> {
    const first = await mkdir(path, { recursive: true, mode: 0o700 })
    if (first === undefined) return
    for (let made = path; made.length >= first.length; made = dirname(made)) await syncDirectory(dirname(made))
  }
}

/** What passes when somebody makes room or others are done. */
const AWAY: Record<string, string> = {
  ENOSPC: 'The object store has no space left.',
  EDQUOT: 'The object store has no space left.',
  EMFILE: 'Too many files are open.',
  ENFILE: 'Too many files are open.',
}

/** What does not pass by itself. */
const BROKEN: Record<string, string> = {
  EROFS: 'The object store can only be read.',
  EACCES: 'The object store may not be written.',
  EPERM: 'The object store may not be written.',
  EIO: 'The disk of the object store fails.',
}

/** All files below, in the order of the bytes of their paths: a folder stands where its slash puts it. */
async function* filesIn(directory: string, isSkipped: (directory: string) => boolean): AsyncGenerator<string> {
  const entries = await readdir(directory, { withFileTypes: true }).catch(ignoreMissing)
  const sorted = (entries ?? [])
    .map((entry) => ({ name: entry.isDirectory() ? `${entry.name}/` : entry.name, isFile: entry.isFile() }))
    .toSorted((a, b) => (a.name < b.name ? -1 : 1))
  for (const { name, isFile } of sorted) {
    const path = join(directory, name)
    if (isFile) yield path
    else if (!isSkipped(path)) yield* filesIn(path, isSkipped)
  }
}

const ignoring =
  (code: string) =>
  (error: unknown): undefined => {
    if (error instanceof Error && 'code' in error && error.code === code) return undefined
    throw error
  }
const ignoreMissing = ignoring('ENOENT')
const ignoreExisting = ignoring('EEXIST')

async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r')
  try {
    await directory.sync()
  } finally {
    await directory.close()
  }
}
