import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type CachedAnswer, type CacheStore, decodeAnswer, encodeAnswer } from './answer-cache'

/** Every so many answers that are kept, the directory is brought back below its bound. */
const PUTS_PER_SWEEP = 256

/**
 * In a directory of this gateway, one file an answer. Files are written beside their place and moved in, so that a crash
 * leaves no half answer; each carries a digest of its body.
 */
export class DiskCache implements CacheStore {
  readonly #directory: string
  readonly #bytesMax: number
  readonly #entriesMax: number
  readonly #nowMs: () => number
  #puts = 0
  #sweep: Promise<void> = Promise.resolve()

  constructor(directory: string, bytesMax: number, entriesMax: number, nowMs: () => number = Date.now) {
    this.#directory = directory
    this.#bytesMax = bytesMax
    this.#entriesMax = entriesMax
    this.#nowMs = nowMs
  }

  async get(key: string): Promise<CachedAnswer | null> {
    try {
      return decodeAnswer(await readFile(this.#pathOf(key)), this.#nowMs())
    } catch (cause) {
      if (isAbsent(cause)) return null
      throw cause
    }
  }

  async put(key: string, answer: CachedAnswer, ttlMs: number): Promise<void> {
    const path = this.#pathOf(key)
    await mkdir(join(this.#directory, key.slice(0, 2)), { recursive: true, mode: 0o700 })
    const draft = `${path}.${process.pid}.${this.#puts++}`
    await writeFile(draft, encodeAnswer(answer, this.#nowMs() + ttlMs), { mode: 0o600 })
    await rename(draft, path)
    if (this.#puts % PUTS_PER_SWEEP !== 0) return this.#sweep
    // One that failed is told by whoever waited for it, and is no reason to make no room ever again.
    this.#sweep = this.#sweep.catch(() => {}).then(() => this.makeRoom())
    await this.#sweep
  }

  /** Oldest files go first until the rest fits. */
  async makeRoom(): Promise<void> {
    const files = await this.#files()
    let bytes = files.reduce((sum, file) => sum + file.size, 0)
    let count = files.length
    for (const file of files.sort((a, b) => a.mtimeMs - b.mtimeMs)) {
      if (bytes <= this.#bytesMax && count <= this.#entriesMax) return
      await rm(file.path, { force: true })
      bytes -= file.size
      count -= 1
    }
  }

  async close(): Promise<void> {
    await this.#sweep
  }

  #pathOf(key: string): string {
    return join(this.#directory, key.slice(0, 2), key)
  }

  async #files(): Promise<{ path: string; size: number; mtimeMs: number }[]> {
    const entries = await readdir(this.#directory, { recursive: true, withFileTypes: true })
    const found: { path: string; size: number; mtimeMs: number }[] = []
    for (const entry of entries) {
      if (!entry.isFile()) continue
      const path = join(entry.parentPath, entry.name)
      const facts = await stat(path).catch((cause: unknown) => {
        if (isAbsent(cause)) return null // somebody else made room meanwhile
        throw cause
      })
      if (facts) found.push({ path, size: facts.size, mtimeMs: facts.mtimeMs })
    }
    return found
  }
}

const isAbsent = (cause: unknown): boolean => cause instanceof Error && 'code' in cause && cause.code === 'ENOENT'
