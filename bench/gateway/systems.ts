import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { createToken } from '@/lib/tokens'
import { freePort } from '../../lib/free-port'
import { type Child, firstLine, start, untilOk } from '../processes'
import { type ChainName, policyConfig } from './chains'
import { findLiteLlm, LITELLM_ENVIRONMENT, liteLlmConfig } from './litellm'
import { nginxConfig } from './nginx'

const run = promisify(execFile)

/** The system under test has one core, everything that is not under test the other. */
export const SYSTEM_CORE = 0
export const LOAD_CORE = 1

/** What a caller presents; the peers take it and ask nothing. */
export const KEY = createToken('gk')
const ACCESS = createToken('ak')

export type System = {
  name: string
  url: string
  /** Null for no system at all. */
  pid: number | null
  headers: Record<string, string>
}

export type Ours = {
  chain: ChainName
  durability?: 'strict' | 'relaxed'
  workers?: number
  /** On all cores instead of one. */
  unpinned?: boolean
  /** For node itself. */
  nodeArgs?: string[]
}

/** Starts each system when it is first asked for, and keeps it: what is idle costs the others next to nothing. */
export class Systems {
  /** Why a peer is not in the tables. */
  readonly absent: string[] = []
  readonly #scratch: string
  readonly #upstream: string
  readonly #ready = new Map<string, Promise<System | null>>()

  private constructor(scratch: string, upstream: string) {
    this.#scratch = scratch
    this.#upstream = upstream
  }

  static async begin(scratch: string): Promise<Systems> {
    const mock = start(LOAD_CORE, process.execPath, ['dist/bench-mock-upstream.mjs'])
    return new Systems(scratch, `http://127.0.0.1:${await firstLine(mock)}`)
  }

  static async canHaveWorkers(): Promise<boolean> {
    const { stdout } = await run(process.execPath, ['dist/kt.mjs', 'run', '--help'])
    return stdout.includes('--workers')
  }

  direct(): System {
    return { name: 'direct', url: this.#upstream, pid: null, headers: {} }
  }

  /** All that are here, in the order of the tables; ours between the proxies and the peers. */
  async beside(ours: readonly Ours[], peers: readonly ('portkey' | 'litellm')[]): Promise<System[]> {
    const systems: (System | null)[] = [this.direct(), await this.nginx(), await this.bare()]
    for (const variant of ours) systems.push(await this.keeptrusts(variant))
    for (const peer of peers) systems.push(await this[peer]())
    return systems.filter((system) => system !== null)
  }

  bare(): Promise<System | null> {
    return this.#once('bare', async () => {
      const child = start(SYSTEM_CORE, process.execPath, ['dist/bench-bare-proxy.mjs'], { UPSTREAM: this.#upstream })
      return system('bare proxy', await firstLine(child), child)
    })
  }

  nginx(): Promise<System | null> {
    return this.#once('nginx', async () => {
      const program = ['/usr/sbin/nginx', '/usr/bin/nginx', '/usr/local/sbin/nginx'].find(existsSync)
      if (!program) return this.#without('nginx is not installed')
      const version = /nginx\/(\S+)/.exec((await run(program, ['-v'])).stderr)?.[1] ?? ''
      const directory = join(this.#scratch, 'nginx')
      await mkdir(directory)
      const port = await freePort()
      await writeFile(join(directory, 'nginx.conf'), nginxConfig(directory, port, this.#upstream))
      const child = start(SYSTEM_CORE, program, ['-p', directory, '-c', join(directory, 'nginx.conf')])
      child.process.stdout?.resume()
      await untilOk(`http://127.0.0.1:${port}/here`, child)
      return system(`nginx ${version}`, port, child)
    })
  }

  keeptrusts(ours: Ours): Promise<System | null> {
    const name = nameOf(ours)
    return this.#once(name, async () => (await this.startKeeptrusts(ours, name)).system)
  }

  async startKeeptrusts(ours: Ours, name: string): Promise<{ system: System; child: Child }> {
    const directory = join(this.#scratch, name.replaceAll(/\W+/g, '-'))
    await mkdir(directory)
    const policy = join(directory, 'policy-config.yaml')
    await writeFile(policy, policyConfig(ours.chain, this.#upstream))
    const plane = start(LOAD_CORE, process.execPath, ['dist/bench-idle-control-plane.mjs'], {
      POLICY_CONFIG: policy,
      KEY,
    })
    const port = await freePort()
    const args = ['run', '--managed', '--listen', `127.0.0.1:${port}`, '--data-dir', join(directory, 'data')]
    if (ours.durability === 'relaxed') args.push('--durability', 'relaxed')
    if (ours.workers) args.push('--workers', String(ours.workers))
    const core = ours.unpinned ? undefined : SYSTEM_CORE
    const child = start(core, process.execPath, [...(ours.nodeArgs ?? []), 'dist/kt.mjs', ...args], {
      KEEPTRUSTS_API_URL: `http://127.0.0.1:${await firstLine(plane)}`,
      KEEPTRUSTS_GATEWAY_TOKEN: ACCESS,
      KEEPTRUSTS_GATEWAY_ID: 'bench',
      BENCH_UPSTREAM_KEY: 'bench',
    })
    child.process.stdout?.resume()
    await untilOk(`http://127.0.0.1:${port}/readyz`, child)
    return { system: system(name, port, child), child }
  }

  portkey(): Promise<System | null> {
    return this.#once('portkey', async () => {
      const port = await freePort()
      const program = 'bench/node_modules/@portkey-ai/gateway/build/start-server.js'
      const child = start(SYSTEM_CORE, process.execPath, [program, '--headless', `--port=${port}`])
      child.process.stdout?.resume()
      await untilOk(`http://127.0.0.1:${port}/`, child)
      const headers = { 'x-portkey-provider': 'openai', 'x-portkey-custom-host': `${this.#upstream}/v1` }
      return { ...system('Portkey 1.15.2', port, child), headers }
    })
  }

  litellm(): Promise<System | null> {
    return this.#once('litellm', async () => {
      const found = await findLiteLlm()
      if ('reason' in found) return this.#without(found.reason)
      const config = join(this.#scratch, 'litellm.yaml')
      await writeFile(config, liteLlmConfig(this.#upstream))
      const port = await freePort()
      const args = ['--config', config, '--host', '127.0.0.1', '--port', String(port), '--num_workers', '1']
      const child = start(SYSTEM_CORE, found.program, args, LITELLM_ENVIRONMENT)
      child.process.stdout?.resume()
      await untilOk(`http://127.0.0.1:${port}/health/liveliness`, child, 90_000)
      return system(`LiteLLM ${found.version}`, port, child)
    })
  }

  #once(name: string, begin: () => Promise<System | null>): Promise<System | null> {
    const known = this.#ready.get(name)
    if (known) return known
    const begun = begin().catch((cause: unknown) => {
      if (name !== 'nginx' && name !== 'portkey' && name !== 'litellm') throw cause
      return this.#without(`${name} did not start: ${cause instanceof Error ? cause.message : String(cause)}`)
    })
    this.#ready.set(name, begun)
    return begun
  }

  #without(reason: string): null {
    this.absent.push(reason)
    return null
  }
}

export function nameOf({ chain, durability = 'strict', workers, unpinned }: Ours): string {
  const how = [chain === 'masking' ? 'masking' : `${chain} chain`]
  if (durability !== 'strict') how.push(durability)
  if (workers) how.push(`${workers} worker processes`)
  else if (unpinned) how.push('one process')
  return `Keeptrusts, ${how.join(', ')}`
}

const system = (name: string, port: number | string, { pid }: Child): System => ({
  name,
  url: `http://127.0.0.1:${port}`,
  pid,
  headers: {},
})
