import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { createToken } from '@/lib/tokens'
import { latencyAt } from './latency'
import { cpuMs, firstLine, median, start, stopAll, untilOk } from './processes'

const run = promisify(execFile)
const GATEWAY_CORE = 0
const LOAD_CORE = 1
const ROUNDS = 3
const SECONDS = 5
const ACCESS = createToken('ak')
const KEY = createToken('gk')

const BODIES = {
  JSON: { model: 'bench', messages: [{ role: 'user', content: 'y'.repeat(900) }] },
  SSE: {
    model: 'bench',
    stream: true,
    stream_options: { include_usage: true },
    messages: [{ role: 'user', content: 'y'.repeat(900) }],
  },
}

type System = { name: string; url: string; pid: number | null; headers: Record<string, string> }

/** Added latency and throughput of the gateway beside nothing, a bare proxy and a peer, in one run. */
export async function benchGateway(): Promise<string> {
  const scratch = await mkdtemp(join(tmpdir(), 'keeptrusts-bench-'))
  try {
    const systems = await startSystems(scratch)
    const lines = [
      '## Gateway',
      '',
      `One core for the system under test, the other for load and upstream; medians of ${ROUNDS} interleaved rounds of ${SECONDS} s, 64 connections.`,
    ]
    for (const [mode, body] of Object.entries(BODIES))
      lines.push(...(await throughput(mode, JSON.stringify(body), systems)))
    lines.push(...(await latency(systems)))
    return lines.join('\n')
  } finally {
    await stopAll()
    await rm(scratch, { recursive: true, force: true })
  }
}

async function startSystems(scratch: string): Promise<System[]> {
  const mock = start(LOAD_CORE, process.execPath, ['dist/bench-mock-upstream.mjs'])
  const upstream = `http://127.0.0.1:${await firstLine(mock)}`

  const bare = start(GATEWAY_CORE, process.execPath, ['dist/bench-bare-proxy.mjs'], { UPSTREAM: upstream })
  const barePort = await firstLine(bare)

  const policy = join(scratch, 'policy-config.yaml')
  await writeFile(policy, policyFor(upstream))
  const plane = start(LOAD_CORE, process.execPath, ['dist/bench-idle-control-plane.mjs'], {
    POLICY_CONFIG: policy,
    KEY,
  })
  const gatewayPort = await freePort()
  const ours = start(
    GATEWAY_CORE,
    process.execPath,
    ['dist/kt.mjs', 'run', '--managed', '--listen', `127.0.0.1:${gatewayPort}`, '--data-dir', join(scratch, 'gateway')],
    {
      KEEPTRUSTS_API_URL: `http://127.0.0.1:${await firstLine(plane)}`,
      KEEPTRUSTS_GATEWAY_TOKEN: ACCESS,
      KEEPTRUSTS_GATEWAY_ID: 'bench',
      BENCH_UPSTREAM_KEY: 'bench',
    },
  )
  ours.process.stdout?.resume()
  await untilOk(`http://127.0.0.1:${gatewayPort}/readyz`)

  const portkeyPort = await freePort()
  const portkey = start(GATEWAY_CORE, process.execPath, [
    'bench/node_modules/@portkey-ai/gateway/build/start-server.js',
    '--headless',
    `--port=${portkeyPort}`,
  ])
  portkey.process.stdout?.resume()
  await untilOk(`http://127.0.0.1:${portkeyPort}/`)

  return [
    { name: 'direct', url: upstream, pid: null, headers: {} },
    { name: 'bare undici dispatch proxy', url: `http://127.0.0.1:${barePort}`, pid: bare.pid, headers: {} },
    { name: 'Keeptrusts', url: `http://127.0.0.1:${gatewayPort}`, pid: ours.pid, headers: {} },
    {
      name: 'Portkey 1.15.2',
      url: `http://127.0.0.1:${portkeyPort}`,
      pid: portkey.pid,
      headers: { 'x-portkey-provider': 'openai', 'x-portkey-custom-host': `${upstream}/v1` },
    },
  ]
}

type Measured = { rps: number[]; cpuUs: number[]; failed: number }

async function throughput(mode: string, body: string, systems: System[]): Promise<string[]> {
  const results = new Map(systems.map((system): [System, Measured] => [system, { rps: [], cpuUs: [], failed: 0 }]))
  for (let round = 0; round <= ROUNDS; round++) {
    for (const [system, result] of results) {
      const seconds = round === 0 ? 2 : SECONDS // the first round warms up and is not counted
      console.error(`${mode}, round ${round} of ${ROUNDS}: ${system.name}`)
      const cpuBefore = system.pid === null ? 0 : cpuMs(system.pid)
      const { requests, perSecond, failed } = await wrk(system, body, seconds)
      const cpu = system.pid === null ? 0 : cpuMs(system.pid) - cpuBefore
      if (round === 0) continue
      result.rps.push(perSecond)
      result.cpuUs.push((cpu * 1_000) / Math.max(1, requests))
      result.failed += failed
    }
  }
  const rows = [...results].map(([{ name }, { rps, cpuUs, failed }]) => ({
    name,
    rps: median(rps),
    cpuUs: median(cpuUs),
    failed,
  }))
  const ours = rows.find((row) => row.name === 'Keeptrusts')?.rps ?? Number.NaN
  return [
    '',
    `### Throughput, ${mode}`,
    '',
    '| system | requests/s | CPU per request | Keeptrusts / it | failed |',
    '|---|--:|--:|--:|--:|',
    ...rows.map(
      ({ name, rps, cpuUs, failed }) =>
        `| ${name} | ${Math.round(rps)} | ${cpuUs ? `${Math.round(cpuUs)} us` : ''} | ${(ours / rps).toFixed(2)} | ${failed} |`,
    ),
  ]
}

async function wrk(system: System, body: string, seconds: number) {
  const headers = Object.entries(system.headers)
    .map(([name, value]) => `${name}=${value}`)
    .join(';')
  const args = [
    '-c',
    String(LOAD_CORE),
    'wrk',
    '-t1',
    '-c64',
    `-d${seconds}s`,
    '-s',
    'bench/post.lua',
    `${system.url}/v1/chat/completions`,
  ]
  const { stdout } = await run('taskset', args, { env: { ...process.env, BODY: body, KEY, EXTRA_HEADERS: headers } })
  const number = (pattern: RegExp) => Number(pattern.exec(stdout)?.[1] ?? 0)
  return {
    requests: number(/(\d+) requests in/),
    perSecond: number(/Requests\/sec:\s+([\d.]+)/),
    failed: number(/Non-2xx or 3xx responses: (\d+)/),
  }
}

async function latency(systems: System[]): Promise<string[]> {
  const measured = await latencyAt({
    ratePerSecond: 200,
    seconds: 10,
    key: KEY,
    body: JSON.stringify(BODIES.JSON),
    systems,
  })
  const direct = measured[0]
  if (!direct) throw new Error('Nothing was measured.')
  return [
    '',
    '### Added latency at 200 requests/s, JSON (systems interleaved; direct subtracted)',
    '',
    '| system | p50 | p99 |',
    '|---|--:|--:|',
    `| direct, not subtracted | ${direct.p50Ms.toFixed(3)} ms | ${direct.p99Ms.toFixed(3)} ms |`,
    ...measured
      .slice(1)
      .map(
        ({ name, p50Ms, p99Ms }) =>
          `| ${name} | +${(p50Ms - direct.p50Ms).toFixed(3)} ms | +${(p99Ms - direct.p99Ms).toFixed(3)} ms |`,
      ),
  ]
}

const policyFor = (upstream: string) => `pack:
  name: bench
  version: 0.1.0
  enabled: true
policies:
  chain: []
providers:
  targets:
    - id: upstream
      provider: openai
      base_url: ${upstream}/v1
      allow_private_network: true
      models: ["*"]
      secret_key_ref:
        env: BENCH_UPSTREAM_KEY
`

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const address = server.address()
  await new Promise((resolve) => server.close(resolve))
  if (typeof address !== 'object' || !address) throw new Error('No port.')
  return address.port
}
