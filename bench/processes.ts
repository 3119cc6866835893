import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as delay } from 'node:timers/promises'
import { promisify } from 'node:util'
import { MEMORY_FLAGS } from '../server/memory-flags'

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

// Whoever ends a bench early gets a machine without its children.
process.once('exit', () => {
  for (const { process: child } of children) child.kill('SIGKILL')
})
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1))

/** All threads of this process, so that what measures takes no time from what is measured. */
export async function pinSelf(core: number): Promise<void> {
  if (process.platform === 'linux')
    await promisify(execFile)('taskset', ['-a', '-c', '-p', String(core), `${process.pid}`])
}

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

export async function untilOk(url: string, child?: Child, timeoutMs = 20_000): Promise<void> {
  for (const until = performance.now() + timeoutMs; performance.now() < until; ) {
    const ok = await fetch(url).then(
      (response) => response.ok,
      () => false,
    )
    // First of all: somebody else may answer in its place.
    if (child && child.process.exitCode !== null) throw new Error(`it ended with code ${child.process.exitCode}.`)
    if (ok) return
    await delay(100)
  }
  throw new Error(`${url} does not answer.`)
}

/** CPU time of a process and its children so far, in milliseconds; Linux only (proc_pid_stat(5), in ticks of 10 ms). */
export function cpuMs(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? []
  const own = (Number(fields[11]) + Number(fields[12])) * 10
  return childrenOf(pid).reduce((sum, child) => sum + cpuMs(child), own)
}

/** CPU time of the thread that runs JavaScript, in milliseconds. */
export function mainThreadMs(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/task/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? []
  return (Number(fields[11]) + Number(fields[12])) * 10
}

/** Memory that a process and its children hold now, and the most they held since `forgetPeak`, in MiB. */
export function memoryMiB(pid: number): { now: number; peak: number } {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  const read = (name: string) => Number(new RegExp(`${name}:\\s+(\\d+) kB`).exec(status)?.[1] ?? 0) / 1_024
  const sum = { now: read('VmRSS'), peak: read('VmHWM') }
  for (const child of childrenOf(pid)) {
    const of = memoryMiB(child)
    sum.now += of.now
    sum.peak += of.peak
  }
  return sum
}

/** proc_pid_clear_refs(5) */
export function forgetPeak(pid: number): void {
  writeFileSync(`/proc/${pid}/clear_refs`, '5')
  for (const child of childrenOf(pid)) forgetPeak(child)
}

const childrenOf = (pid: number): number[] =>
  readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').filter(Boolean).map(Number)

export const median = (values: number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN

/**
 * What another program of these benches prints until it has ended, which does by itself what the control plane does and is
 * given memory as that is.
 *
 * @throws when it fails
 */
export async function outputOf(entry: string, args: string[], env: NodeJS.ProcessEnv): Promise<string> {
  const script = join(import.meta.dirname, `bench-${entry}.mjs`)
  const { stdout } = await promisify(execFile)(process.execPath, [...MEMORY_FLAGS, script, ...args], { env })
  return stdout
}
