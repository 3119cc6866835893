import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { cpuMs, forgetPeak, median, memoryMiB } from '../processes'
import { KEY, LOAD_CORE, type System } from './systems'

const run = promisify(execFile)
const CONNECTIONS = 64

const warmed = new WeakSet<System>()

/** Round 0 is not counted. Longer for a system that has not run yet. */
function warmUpSeconds(system: System): number {
  if (warmed.has(system)) return 1
  warmed.add(system)
  return 3
}

type Measured = { rps: number[]; cpuUs: number[]; peakMiB: number; failed: number }

type Options = {
  title: string
  body: string
  systems: readonly System[]
  rounds: number
  seconds: number
  /** On all cores, beside the system. */
  unpinned?: boolean
}

/** wrk with 64 connections against each system in turn, `rounds` times; a table of medians. */
export async function throughput({ title, body, systems, rounds, seconds, unpinned }: Options): Promise<string[]> {
  const scratch = await mkdtemp(join(tmpdir(), 'keeptrusts-bench-body-'))
  const bodyFile = join(scratch, 'body.json')
  await writeFile(bodyFile, body)
  const results = new Map<System, Measured>(
    systems.map((system) => [system, { rps: [], cpuUs: [], peakMiB: 0, failed: 0 }]),
  )
  try {
    for (let round = 0; round <= rounds; round++) {
      for (const [system, result] of results) {
        console.error(`${title}, round ${round} of ${rounds}: ${system.name}`)
        if (system.pid !== null) forgetPeak(system.pid)
        const before = system.pid === null ? 0 : cpuMs(system.pid)
        const { requests, perSecond, failed } = await wrk(
          system,
          bodyFile,
          round === 0 ? warmUpSeconds(system) : seconds,
          unpinned,
        )
        if (round === 0) continue
        result.rps.push(perSecond)
        result.failed += failed
        if (system.pid === null) continue
        result.cpuUs.push(((cpuMs(system.pid) - before) * 1_000) / Math.max(1, requests))
        result.peakMiB = Math.max(result.peakMiB, memoryMiB(system.pid).peak)
      }
    }
  } finally {
    await rm(scratch, { recursive: true, force: true })
  }
  return table(title, results)
}

function table(title: string, results: ReadonlyMap<System, Measured>): string[] {
  const rows = [...results].map(([{ name }, { rps, cpuUs, peakMiB, failed }]) => ({
    name,
    rps: median(rps),
    cpuUs: cpuUs.length > 0 ? median(cpuUs) : null,
    peakMiB,
    failed,
  }))
  const bare = rows.find(({ name }) => name === 'bare proxy')
  const others = rows.filter(({ name }) => /^(nginx|Portkey|LiteLLM)/.test(name))
  const heads = [
    'requests/s',
    'CPU per request',
    ...(bare ? ['of bare', 'of bare by CPU'] : []),
    ...others.map(({ name }) => `x ${name.split(' ')[0]}`),
    'peak RSS',
    'failed',
  ]
  return [
    '',
    `### ${title}`,
    '',
    `| system | ${heads.join(' | ')} |`,
    `|---|${heads.map(() => '--:|').join('')}`,
    ...rows.map((row) => {
      const ratios = bare
        ? [(row.rps / bare.rps).toFixed(2), row.cpuUs && bare.cpuUs ? (bare.cpuUs / row.cpuUs).toFixed(2) : '']
        : []
      const cells = [
        Math.round(row.rps).toLocaleString('en'),
        row.cpuUs === null ? '' : `${row.cpuUs.toFixed(row.cpuUs < 100 ? 1 : 0)} us`,
        ...ratios,
        ...others.map(({ rps }) => times(row.rps / rps)),
        row.peakMiB === 0 ? '' : `${Math.round(row.peakMiB)} MiB`,
        String(row.failed),
      ]
      return `| ${row.name.startsWith('Keeptrusts') ? `**${row.name}**` : row.name} | ${cells.join(' | ')} |`
    }),
  ]
}

const times = (ratio: number) => (ratio >= 10 ? ratio.toFixed(0) : ratio.toFixed(ratio >= 1 ? 1 : 2))

export async function wrk({ url, headers }: System, bodyFile: string, seconds: number, unpinned = false) {
  const extra = Object.entries(headers).map(([name, value]) => `${name}=${value}`)
  const args = ['-t1', `-c${CONNECTIONS}`, `-d${seconds}s`, '--timeout', '10s', '-s', 'bench/post.lua']
  const cores = unpinned ? '0-63' : String(LOAD_CORE)
  const { stdout } = await run('taskset', ['-c', cores, 'wrk', ...args, `${url}/v1/chat/completions`], {
    env: { ...process.env, BODY_FILE: bodyFile, KEY, EXTRA_HEADERS: extra.join(';') },
  })
  const number = (pattern: RegExp) => Number(pattern.exec(stdout)?.[1] ?? 0)
  return {
    requests: number(/(\d+) requests in/),
    perSecond: number(/Requests\/sec:\s+([\d.]+)/),
    failed: number(/Non-2xx or 3xx responses: (\d+)/) + number(/timeout (\d+)/),
  }
}
