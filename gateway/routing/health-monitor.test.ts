import { afterEach, describe, expect, onTestFinished, test, vi } from 'vitest'
import { type CompiledConfig, compileConfig } from '@/lib/policy/compile'
import { PolicyConfig } from '@/lib/policy/config/schema'
import { SandboxProvider } from '../providers/sandbox/sandbox'
import { httpTarget, sandboxTarget, startTestGateway, startUpstream } from '../testing'
import { Upstreams } from '../upstreams'
import { HealthMonitor } from './health-monitor'
import { Router } from './router'

/** Machines that run tests have much else to do. */
const SOON = { timeout: 10_000 }

const open: { close(): unknown }[] = []
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close()
})

const plain = compileConfig(
  PolicyConfig.parse({
    pack: { name: 't', version: '1.0.0', enabled: true },
    policies: { chain: [] },
    providers: {
      health_monitor: { interval_seconds: 5, timeout_ms: 10_000 },
      circuit_breaker: { failure_threshold: 2, cooldown_seconds: 60 },
    },
  }),
  {},
)

async function watched(answer: Parameters<typeof startUpstream>[0]) {
  const upstream = await startUpstream(answer)
  const upstreams = new Upstreams('test', new SandboxProvider())
  const router = new Router({ nowMs: () => performance.now(), random: () => 0 })
  const monitor = new HealthMonitor(upstreams, router, () => 0)
  open.push(upstream, upstreams, monitor)
  const target = httpTarget(upstream.url)
  const config: CompiledConfig = { ...plain, targets: [target] }
  let nowMs = performance.now()
  /** One look, and its end. */
  const look = async () => {
    const { probe } = monitor.healthOf(target, config)
    nowMs += 10_000
    monitor.sweep(config, nowMs)
    await expect.poll(() => monitor.healthOf(target, config).probe, SOON).not.toBe(probe)
    return monitor.healthOf(target, config)
  }
  return { upstream, monitor, target, config, look }
}

describe('a target that is looked at', () => {
  test('is asked for its models with its own secret, and is well while it answers at all', async () => {
    const { upstream, look } = await watched((response) => void response.writeHead(404).end())
    expect(await look()).toMatchObject({ state: 'closed', probe: { ok: true } })
    expect(upstream.requests[0]).toMatchObject({
      path: '/v1/models',
      headers: { authorization: 'Bearer sk-upstream-secret' },
    })
  })

  test('is left alone after failures in a row, and used again when it is well', async () => {
    let status = 503
    const { look } = await watched((response) => void response.writeHead(status).end())
    expect(await look()).toMatchObject({ state: 'closed', probe: { ok: false } })
    expect(await look()).toMatchObject({ state: 'open', probe: { ok: false } })
    status = 200
    const now = performance.now.bind(performance)
    const clock = vi.spyOn(performance, 'now').mockImplementation(() => now() + 60_000)
    onTestFinished(() => clock.mockRestore())
    expect(await look()).toMatchObject({ state: 'closed', probe: { ok: true } })
  })

  test('is looked at once in an interval, and not at all without word of it', async () => {
    const { upstream, monitor, config, look } = await watched((response) => void response.writeHead(200).end())
    await look()
    monitor.sweep(config, performance.now())
    monitor.sweep({ ...config, routing: { ...config.routing, healthMonitor: null } }, performance.now() + 60_000)
    await new Promise((resolve) => setTimeout(resolve, 50))
    expect(upstream.requests).toHaveLength(1)
  })

  test('at an address that was not allowed is never called', async () => {
    const { upstream, monitor, config, target } = await watched((response) => void response.writeHead(200).end())
    const guarded = { ...target, allowPrivateNetwork: false }
    monitor.sweep({ ...config, targets: [guarded] }, performance.now())
    await expect.poll(() => monitor.healthOf(guarded, config).probe?.ok, SOON).toBe(false)
    expect(upstream.requests).toHaveLength(0)
  })
})

test('/health says how targets are', async () => {
  const upstream = await startUpstream((response) => void response.writeHead(200).end())
  const targets = [httpTarget(upstream.url), sandboxTarget()]
  const gateway = await startTestGateway({ config: { ...plain, targets } })
  open.push(upstream, gateway)
  const health = async () => (await (await fetch(`${gateway.url}/health`)).json()).providers
  expect(await health()).toMatchObject([
    { id: 'upstream', circuit: 'closed' },
    { circuit: 'closed', last_probe: null },
  ])
  await expect.poll(async () => (await health())[0].last_probe?.ok, { timeout: 10_000 }).toBe(true)
}, 15_000)
