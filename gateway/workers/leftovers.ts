import { backoffMs, pause } from '../backoff'
import { takeDataDirectory } from '../data-directory'
import { Delivery } from '../delivery'
import type { RunLog } from '../running-configuration'
import { type DiskSpool, openSpool } from '../spool'
import { GatewayStartError } from '../start-error'
import { rejectedPath, spoolDirectory } from './worker-spool'

export type LeftoversOptions = {
  dataDirectory: string
  controlPlane: { apiUrl: string; token: string }
  log: RunLog
}

/** Delivers what is in spools that nobody writes to any more: of workers that are gone for good. */
export class Leftovers {
  readonly #options: LeftoversOptions
  readonly #stopping = new AbortController()
  readonly #spools = new Map<number, DiskSpool | null>()
  readonly #running = new Set<Promise<void>>()

  constructor(options: LeftoversOptions) {
    this.#options = options
  }

  /** A slot whose spool is being delivered here must not be given to a worker. */
  has(slot: number): boolean {
    return this.#spools.has(slot)
  }

  get depth(): number {
    return this.#sum((spool) => spool.depth)
  }

  get bytes(): number {
    return this.#sum((spool) => spool.bytes)
  }

  take(slot: number): void {
    if (this.has(slot) || this.#stopping.signal.aborted) return
    this.#spools.set(slot, null)
    const running = this.#deliver(slot)
      .catch((cause: unknown) => this.#options.log.error({ err: cause, slot }, 'a left spool could not be delivered'))
      .finally(() => {
        this.#spools.delete(slot)
        this.#running.delete(running)
      })
    this.#running.add(running)
  }

  async stop(): Promise<void> {
    this.#stopping.abort()
    await Promise.all(this.#running)
  }

  async #deliver(slot: number): Promise<void> {
    const { dataDirectory, controlPlane, log } = this.#options
    const { signal } = this.#stopping
    const directory = spoolDirectory(dataDirectory, slot)
    const lock = await this.#lock(directory)
    if (lock === null) return
    try {
      const onDamage = (damage: object) =>
        log.error({ ...damage, slot }, 'damaged records in the spool were stepped over')
      const spool = await openSpool({ directory, onDamage })
      try {
        this.#spools.set(slot, spool)
        if (spool.depth === 0) return
        log.info({ slot, spool_depth: spool.depth }, 'a spool without a worker is delivered')
        const delivery = new Delivery({ spool, ...controlPlane, log, rejectedPath: rejectedPath(dataDirectory, slot) })
        delivery.start()
        while (spool.depth > 0 && !signal.aborted) await pause(50, signal)
        await delivery.stop(signal.aborted ? 0 : 1_000)
      } finally {
        await spool.close()
      }
    } finally {
      await lock.release()
    }
  }

  /** A worker of a primary that was killed may need a moment to be gone. */
  async #lock(directory: string) {
    for (let failures = 1; !this.#stopping.signal.aborted; failures++) {
      try {
        return await takeDataDirectory(directory)
      } catch (cause) {
        if (!(cause instanceof GatewayStartError)) throw cause
        await pause(backoffMs(failures, 100, 10_000), this.#stopping.signal)
      }
    }
    return null
  }

  #sum(read: (spool: DiskSpool) => number): number {
    return [...this.#spools.values()].reduce((sum, spool) => sum + (spool ? read(spool) : 0), 0)
  }
}
