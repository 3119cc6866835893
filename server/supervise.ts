import type { ChildProcess } from 'node:child_process'
import { setTimeout as delay } from 'node:timers/promises'
import type { LogFile } from './log-file'
import { EXIT_DO_NOT_RESTART, StartError } from './start-error'

const BACKOFF_FIRST_MS = 250
const BACKOFF_MAX_MS = 15_000
/** A child that ran this long has recovered: its next death counts as the first. */
const STABLE_MS = 60_000
const DEATHS_MAX = 6

export type SuperviseOptions = {
  /** As people call it, such as `the gateway`. */
  name: string
  launch: () => ChildProcess
  log: LogFile
  /** What asks the child to finish its work and end. */
  stopSignal: NodeJS.Signals
  /** What ends it at once. */
  killSignal: NodeJS.Signals
  say: (line: string) => void
  /** Called once when restarting is of no use any more. */
  onGivenUp: (error: StartError) => void
  onMessage?: (message: unknown) => void
}

export type Supervised = {
  /** Asks the child to end, insists after `timeoutMs`, and returns when it is gone. */
  stop: (timeoutMs: number) => Promise<void>
  /** Ends the child at once. */
  kill: () => void
}

/** Keeps one child process running: restarts it with growing pauses when it dies unasked, and gives up after six deaths in a row. */
export function supervise(options: SuperviseOptions): Supervised {
  const { name, launch, log, stopSignal, killSignal, say, onGivenUp, onMessage } = options
  const stopping = new AbortController()
  let child: ChildProcess
  let gone: Promise<void>
  let deaths = 0

  const run = () => {
    const startedAt = Date.now()
    child = launch()
    child.stdout?.on('data', (chunk: Buffer) => log.write(chunk))
    child.stderr?.on('data', (chunk: Buffer) => log.write(chunk))
    if (onMessage) child.on('message', onMessage)
    gone = new Promise((resolve) => {
      child.once('error', (error) => {
        log.write(Buffer.from(`${error.message}\n`))
        if (child.pid === undefined) resolve()
      })
      child.once('close', () => resolve())
    })
    void gone.then(() => afterDeath(Date.now() - startedAt))
  }

  const afterDeath = async (ranMs: number) => {
    if (stopping.signal.aborted) return
    deaths = ranMs > STABLE_MS ? 1 : deaths + 1
    const how = child.signalCode ? `was ended by ${child.signalCode}` : `ended with status ${child.exitCode}`
    if (child.exitCode === EXIT_DO_NOT_RESTART) return onGivenUp(new StartError(log.tail(1)))
    if (deaths >= DEATHS_MAX) {
      return onGivenUp(
        new StartError(`${name} ${how} ${deaths} times in a row; its last words, from ${log.path}:\n${log.tail(10)}`),
      )
    }
    const pauseMs = Math.min(BACKOFF_FIRST_MS * 2 ** (deaths - 1), BACKOFF_MAX_MS)
    say(`${name} ${how}; starting it again in ${pauseMs / 1_000} s (log: ${log.path}).`)
    await delay(pauseMs, undefined, { signal: stopping.signal }).catch(() => undefined)
    if (!stopping.signal.aborted) run()
  }

  run()
  return {
    async stop(timeoutMs) {
      stopping.abort()
      if (hasEnded(child)) return
      child.kill(stopSignal)
      const insist = setTimeout(() => child.kill(killSignal), timeoutMs)
      await gone.finally(() => clearTimeout(insist))
    },
    kill() {
      stopping.abort()
      if (!hasEnded(child)) child.kill(killSignal)
    },
  }
}

const hasEnded = (child: ChildProcess) =>
  child.pid === undefined || child.exitCode !== null || child.signalCode !== null
