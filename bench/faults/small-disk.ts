import { execFileSync } from 'node:child_process'
import { closeSync, openSync, rmSync, writeSync } from 'node:fs'
import { join } from 'node:path'

export const canMount = process.platform === 'linux' && process.getuid?.() === 0

/** A file system in memory with so little room that it can be filled. */
export class SmallDisk {
  #isMounted = true
  readonly #unmountAtExit = () => this.remove()

  constructor(
    readonly path: string,
    mebibytes: number,
  ) {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${mebibytes}m,mode=0711`, 'tmpfs', path])
    process.once('exit', this.#unmountAtExit)
  }

  remove(): void {
    if (!this.#isMounted) return
    this.#isMounted = false
    process.off('exit', this.#unmountAtExit)
    execFileSync('umount', ['--lazy', this.path])
  }
}

const BALLAST = 'ballast'

/** Takes all room of a file system but for so many bytes. */
export function fill(path: string, leavingBytes = 0): void {
  const file = openSync(join(path, BALLAST), 'a')
  const chunk = Buffer.alloc(65_536)
  let written = 0
  try {
    for (;;) written += writeSync(file, chunk)
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOSPC')) throw error
  } finally {
    closeSync(file)
  }
  if (leavingBytes > 0)
    execFileSync('truncate', ['-s', String(Math.max(0, written - leavingBytes)), join(path, BALLAST)])
}

export const makeRoom = (path: string): void => rmSync(join(path, BALLAST), { force: true })
