import { closeSync, existsSync, openSync, readFileSync, renameSync, statSync, writeSync } from 'node:fs'

const BYTES_MAX = 16 * 1_048_576

/** A log of a child process: at most two files of 16 MiB each (`name`, and `name.1` with what came before). */
export class LogFile {
  #descriptor: number
  #bytes: number
  #lostBytes = 0

  constructor(readonly path: string) {
    if (existsSync(path) && statSync(path).size > BYTES_MAX) renameSync(path, `${path}.1`)
    this.#descriptor = openSync(path, 'a', 0o600)
    this.#bytes = statSync(path).size
  }

  /** For a child that writes by itself, such as PostgreSQL, which must not lose its log with its parent. */
  get descriptor(): number {
    return this.#descriptor
  }

  /** Never fails: a disk without room must not end the process whose children it keeps running. */
  write(chunk: Uint8Array): void {
    try {
      if (this.#bytes + chunk.length > BYTES_MAX) this.#roll()
      if (this.#lostBytes > 0) {
        this.#bytes += writeSync(this.#descriptor, `[${this.#lostBytes} bytes of this log could not be written]\n`)
        this.#lostBytes = 0
      }
      this.#bytes += writeSync(this.#descriptor, chunk)
    } catch {
      this.#lostBytes += chunk.length
    }
  }

  #roll(): void {
    if (existsSync(this.path)) renameSync(this.path, `${this.path}.1`)
    const next = openSync(this.path, 'a', 0o600)
    closeSync(this.#descriptor)
    this.#descriptor = next
    this.#bytes = 0
  }

  /** The last lines, for the one who has to understand why a child died. */
  tail(lines: number): string {
    const bytes = readFileSync(this.path)
    return bytes.subarray(-8_192).toString('utf8').trimEnd().split('\n').slice(-lines).join('\n')
  }

  close(): void {
    closeSync(this.#descriptor)
  }
}
