import type { Snapshot } from '../snapshot'
import { PROTOCOL, type ToWorker } from './messages'
import { changeBetween } from './shared-state'

/**
 * Keeps one worker's snapshot at the one in force: one change at a time, the next when the last is taken. What comes
 * meanwhile is one change, however much it is, so a worker that is slow never has more than one message waiting.
 */
export class Feed {
  #taken: Snapshot | null = null
  #sent: Snapshot | null = null
  #revision = 0
  #waiting: { revision: number; tell: () => void }[] = []

  constructor(
    private readonly current: () => Snapshot,
    private readonly send: (message: ToWorker) => void,
  ) {}

  /** What the worker serves by; null before its first. */
  get taken(): Snapshot | null {
    return this.#taken
  }

  get isCurrent(): boolean {
    return this.#taken === this.current()
  }

  /** Resolves when the worker has what is in force now, or has refused it. */
  async caughtUp(): Promise<void> {
    if (this.#sent === null) return
    const revision = this.#sent === this.current() ? this.#revision : this.#revision + 1
    await new Promise<void>((tell) => this.#waiting.push({ revision, tell }))
  }

  /** Told with every change. */
  offer(): void {
    if (this.#sent !== null || this.isCurrent) return
    this.#sent = this.current()
    this.#revision += 1
    const change = changeBetween(this.#taken, this.#sent)
    this.send({ kind: 'state', protocol: PROTOCOL, revision: this.#revision, change })
  }

  /** The worker has it, or says that it cannot: then it stays at what it has, and gets all that is new next time. */
  settle(revision: number, isRefused: boolean): void {
    if (revision !== this.#revision || this.#sent === null) return
    const sent = this.#sent
    this.#sent = null
    if (!isRefused) this.#taken = sent
    if (!isRefused) this.offer()
    const isSilent = this.#sent === null
    const told = this.#waiting.filter((one) => isSilent || one.revision <= revision)
    this.#waiting = this.#waiting.filter((one) => !told.includes(one))
    for (const { tell } of told) tell()
  }
}
