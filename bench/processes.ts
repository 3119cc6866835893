import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { setTimeout as delay } from 'node:timers/promises'

/** A child that a bench started, pinned to one core so that two never compete for it. */
export type Child = { process: ChildProcess; pid: number; stop: () => Promise<void> }

const children = new Set<Child>()

/** @param core number of the processor; `undefined` leaves the choice to the kernel */
export function start(
  core: number | undefined,
  command: string,
  args: string[],
  env: Record<string, string> = {},
): Child {
  const pinned =
    core === undefined || process.platform !== 'linux'
      ? [command, ...args]
      : ['taskset', '-c', String(core), command, ...args]
  const [program = command, ...rest] = pinned
  const child = spawn(program, rest, { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'ignore'] })
  const started: Child = {
    process: child,
    pid: child.pid ?? 0,
    async stop() {
      children.delete(started)
      if (child.exitCode !== null || child.signalCode !== null) return
      const gone = once(child, 'exit')
      child.kill('SIGTERM')
      const late = setTimeout(() => child.kill('SIGKILL'), 10_000)
      await gone
      clearTimeout(late)
    },
  }
  children.add(started)
  return started
}

export const stopAll = () => Promise.all([...children].map((child) => child.stop()))

/** The first line a child prints, such as the port it listens on. */
export async function firstLine(child: Child): Promise<string> {
  const { stdout } = child.process
  if (!stdout) throw new Error('The child has no output.')
  for await (const line of createInterface({ input: stdout })) {
    stdout.resume()
    return line
  }
  throw new Error('The child ended without a word.')
}

export async function untilOk(url: string): Promise<void> {
  for (let attempt = 0; attempt < 200; attempt++) {
    const ok = await fetch(url).then(
      (response) => response.ok,
      () => false,
    )
    if (ok) return
    await delay(100)
  }
  throw new Error(`${url} does not answer.`)
}

/** CPU time of a process so far, in milliseconds; Linux only (proc_pid_stat(5), in ticks of 10 ms). */
export function cpuMs(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? []
  return (Number(fields[11]) + Number(fields[12])) * 10
}

export const median = (values: number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN
