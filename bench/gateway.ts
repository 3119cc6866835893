import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { latency as latencyOf } from './gateway/latency'
import { personalRequestOf, requestOf, streamRequestOf } from './gateway/requests'
import { spoolCommits } from './gateway/spool'
import { openStreams, pacedStreams } from './gateway/streams'
import { LOAD_CORE, Systems } from './gateway/systems'
import { throughput } from './gateway/throughput'
import { pinSelf, stopAll } from './processes'

const EMPTY = { chain: 'empty' } as const
const EMPTY_RELAXED = { chain: 'empty', durability: 'relaxed' } as const
const STARTER = { chain: 'starter' } as const
const STARTER_RELAXED = { chain: 'starter', durability: 'relaxed' } as const
const HEAVY = { chain: 'heavy' } as const
const MASKING = { chain: 'masking' } as const
const PEERS = ['portkey', 'litellm'] as const

export const GATEWAY_CASES: Readonly<Record<string, (systems: Systems) => Promise<string[]>>> = {
  json,
  sse,
  chains,
  masking,
  workers,
  latency,
  streams,
  spool: spoolCommits,
}

/** The gateway beside nothing, nginx, a bare proxy and its peers, in one run. Without names all cases. */
export async function benchGateway(wanted: readonly string[]): Promise<string> {
  await pinSelf(LOAD_CORE)
  const scratch = await mkdtemp(join(tmpdir(), 'keeptrusts-bench-'))
  try {
    const systems = await Systems.begin(scratch)
    const lines = [
      '## Gateway',
      '',
      `One core for the system under test, the other for load and upstream; 64 connections; medians of interleaved rounds. Load average before the run: ${(loadavg()[0] ?? 0).toFixed(1)}.`,
    ]
    for (const [name, measure] of Object.entries(GATEWAY_CASES)) {
      if (wanted.length > 0 && !wanted.includes(name)) continue
      const startedAt = performance.now()
      try {
        lines.push(...(await measure(systems)))
      } catch (cause) {
        console.error(cause)
        process.exitCode = 1 // the other tables are worth keeping
        lines.push('', `No figures for ${name}: ${cause instanceof Error ? cause.message : String(cause)}`)
      }
      await writeFile('bench/results/gateway.md', lines.join('\n')) // what is measured is not lost with what comes after
      console.error(`${name} took ${Math.round((performance.now() - startedAt) / 1_000)} s`)
    }
    lines.push('', `Load average after the run: ${(loadavg()[0] ?? 0).toFixed(1)}.`)
    for (const reason of systems.absent) lines.push('', `Not in the tables: ${reason}.`)
    return lines.join('\n')
  } finally {
    await stopAll()
    await rm(scratch, { recursive: true, force: true })
  }
}

const SIZES = [
  ['1 KB', 1_000],
  ['20 KB', 20_000],
  ['200 KB', 200_000],
] as const

async function json(systems: Systems): Promise<string[]> {
  const beside = await systems.beside([EMPTY, EMPTY_RELAXED], PEERS)
  const lines: string[] = []
  for (const [name, bytes] of SIZES) {
    const title = `JSON, request of ${name}, answer of 1 KB`
    const rounds = bytes === 1_000 ? 3 : 2
    lines.push(...(await throughput({ title, body: requestOf('json', bytes), systems: beside, rounds, seconds: 3 })))
  }
  return lines
}

async function sse(systems: Systems): Promise<string[]> {
  const beside = await systems.beside([EMPTY, STARTER], PEERS)
  const lines: string[] = []
  for (const events of [50, 500]) {
    const body = streamRequestOf(`sse-${events}`, 1_000)
    const title = `Streams of ${events} events, as fast as they come`
    lines.push(...(await throughput({ title, body, systems: beside, rounds: events === 50 ? 3 : 2, seconds: 3 })))
  }
  return lines
}

async function chains(systems: Systems): Promise<string[]> {
  const beside = await systems.beside([EMPTY, STARTER, STARTER_RELAXED, HEAVY], PEERS)
  const title = 'Policies on a prompt of 2 KB and an answer of 1 KB'
  return throughput({ title, body: requestOf('json', 2_048), systems: beside, rounds: 3, seconds: 3 })
}

async function masking(systems: Systems): Promise<string[]> {
  const beside = await systems.beside([EMPTY, MASKING], PEERS)
  const title = 'Personal data masked in requests of 1 KiB and answers of 10 KiB'
  return throughput({ title, body: personalRequestOf('masked', 1_024), systems: beside, rounds: 3, seconds: 3 })
}

/** Load, upstream and gateway share all cores here: there is none left for the load alone. */
async function workers(systems: Systems): Promise<string[]> {
  if (!(await Systems.canHaveWorkers())) {
    systems.absent.push('two workers, because this `kt run` has no --workers')
    return []
  }
  const beside = []
  for (const count of [undefined, 2]) {
    beside.push(await systems.keeptrusts({ chain: 'masking', unpinned: true, workers: count }))
  }
  return throughput({
    title: 'Masking as above, gateway and load on the same two cores',
    body: personalRequestOf('masked', 1_024),
    systems: beside.filter((system) => system !== null),
    rounds: 3,
    seconds: 3,
    unpinned: true,
  })
}

async function latency(systems: Systems): Promise<string[]> {
  const body = requestOf('json', 1_000)
  const fast = await systems.beside([EMPTY, EMPTY_RELAXED, STARTER], ['portkey'])
  const slow = await systems.litellm()
  const at200 = slow === null ? fast : [...fast, slow]
  return [
    ...(await latencyOf({ body, systems: at200, ratePerSecond: 200, rounds: 3, seconds: 3 })),
    ...(await latencyOf({ body, systems: fast, ratePerSecond: 1_000, rounds: 3, seconds: 3 })),
  ]
}

async function streams(systems: Systems): Promise<string[]> {
  const beside = await systems.beside([EMPTY, STARTER], PEERS)
  return [...(await pacedStreams(beside, 4)), ...(await openStreams(beside))]
}
