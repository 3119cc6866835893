import { type ChildProcess, execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'

/** A process of the product that is started, ended and started again. */
export class ServerProcess {
  /** How it ended when nobody had asked it to. */
  readonly unasked: string[] = []
  #child: ChildProcess | null = null
  #isAsked = false
  #hasServed = false

  constructor(
    readonly name: string,
    readonly launch: () => ChildProcess,
    readonly isUp: () => Promise<boolean>,
  ) {
    process.once('exit', () => this.#child?.kill('SIGKILL'))
  }

  get pid(): number {
    const pid = this.#child?.pid
    if (pid === undefined) throw new Error(`The ${this.name} does not run.`)
    return pid
  }

  get isRunning(): boolean {
    return this.#child !== null
  }

  /** Returns once it serves; starts it again when it ends before that, as a supervisor does. */
  async start({ withinMs = 90_000 } = {}): Promise<void> {
    for (const until = performance.now() + withinMs; performance.now() < until; ) {
      if (!this.isRunning) this.#begin()
      if (await this.isUp()) {
        this.#hasServed = true
        return
      }
      await delay(10)
    }
    throw new Error(`The ${this.name} does not serve within ${withinMs / 1_000} s.`)
  }

  /** SIGKILL, to its children as well if wanted: orphans notice by themselves a moment later. */
  async kill({ withChildren = false } = {}): Promise<void> {
    if (!this.isRunning) return
    const victims = [this.pid, ...(withChildren ? childrenOf(this.pid) : [])]
    await this.#ended(() => victims.forEach(killNow))
  }

  /** Asks it to end. @returns its status, or the signal it died of, and how long that took */
  async stop(signal: NodeJS.Signals): Promise<{ status: number | string; ms: number }> {
    const startedAt = performance.now()
    const child = this.#child
    if (!child) return { status: 0, ms: 0 }
    const late = setTimeout(() => child.kill('SIGKILL'), 30_000)
    await this.#ended(() => child.kill(signal))
    clearTimeout(late)
    return { status: child.exitCode ?? child.signalCode ?? 'gone', ms: performance.now() - startedAt }
  }

  pause(): void {
    process.kill(this.pid, 'SIGSTOP')
  }

  resume(): void {
    process.kill(this.pid, 'SIGCONT')
  }

  #begin(): void {
    const child = this.launch()
    this.#child = child
    this.#isAsked = false
    this.#hasServed = false
    child.once('exit', (status, signal) => {
      if (this.#child === child) this.#child = null
      // What cannot start yet ends as well: PostgreSQL does while orphans of a killed server hold its shared memory.
      if (!this.#isAsked && this.#hasServed) this.unasked.push(`the ${this.name} ended by itself (${status ?? signal})`)
    })
  }

  async #ended(act: () => void): Promise<void> {
    this.#isAsked = true
    const child = this.#child
    if (!child) return
    const gone = once(child, 'exit')
    act()
    await gone
  }
}

function killNow(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch (error) {
    // A connection may have ended since the list was made.
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error
  }
}

const childrenOf = (parent: number) =>
  execFileSync('ps', ['-A', '-o', 'pid=,ppid='], { encoding: 'utf8' })
    .split('\n')
    .map((line) => line.trim().split(/\s+/).map(Number))
    .flatMap(([pid, ppid]) => (pid !== undefined && ppid === parent ? [pid] : []))
