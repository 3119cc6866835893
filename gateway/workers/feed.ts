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
  }
}
