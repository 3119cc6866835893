import { truncate } from 'node:fs/promises'
import { DISK, type Files } from './atomic-file'

/** What happens at one operation of a disk: it fails, or everything ends there, with or without the power. */
export type Accident = { at: number; kind: 'eio' | 'killed' | 'power_cut' }

/** Thrown in place of everything that a dead process does not do. */
export class Died extends Error {}

/**
 * The real disk until one operation that changes something, for tests of what is left afterwards.
 *
 * `killed` leaves half of a write. `power_cut` also takes half of every file whose content was not synced.
 */
export class FailingDisk implements Files {
  operations = 0
  #isDead = false
  readonly #unsynced = new Set<string>()

  constructor(private readonly accident: Accident | null) {}

  get isDead(): boolean {
    return this.#isDead
  }

  readFile = DISK.readFile
  readdir = DISK.readdir
  mkdir = DISK.mkdir

  async open(path: string, flags: string, mode?: number) {
    await this.#step()
    const file = await DISK.open(path, flags, mode)
    const closing = async (cause: unknown) => {
      await file.close()
      throw cause
    }
    return {
      writeFile: async (content: string | Buffer) => {
        this.#unsynced.add(path)
        await this.#step(() => file.writeFile(content.slice(0, content.length / 2))).catch(closing)
        await file.writeFile(content)
      },
      sync: async () => {
        await this.#step().catch(closing)
        await file.sync()
        this.#unsynced.delete(path)
      },
      close: async () => {
        if (!this.#isDead) await file.close()
      },
    }
  }

  async rename(from: string, to: string): Promise<void> {
    await this.#step()
    await DISK.rename(from, to)
    if (this.#unsynced.delete(from)) this.#unsynced.add(to)
  }

  async unlink(path: string): Promise<void> {
    await this.#step()
    await DISK.unlink(path)
  }

  async #step(dying: () => Promise<void> = async () => {}): Promise<void> {
    if (this.#isDead) throw new Died()
    this.operations += 1
    if (this.accident === null || this.operations !== this.accident.at) return
    if (this.accident.kind === 'eio') throw Object.assign(new Error('EIO: i/o error'), { code: 'EIO' })
    await dying()
    this.#isDead = true
    if (this.accident.kind === 'power_cut') for (const path of this.#unsynced) await truncate(path, 9)
    throw new Died()
  }
}
