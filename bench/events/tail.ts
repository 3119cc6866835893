import { setTimeout as delay } from 'node:timers/promises'
import { gatewayEvent } from '../../control-plane/events/testing'
import { registerGateway } from '../../control-plane/gateways/commands'
import { asSystem } from '../../control-plane/system'
import { createToken } from '../../control-plane/tokens/commands'
import type { BenchPlane } from './plane'

const PER_SECOND = 1_000
const BATCH = 50
const DURATION_MS = 10_000

/** From the moment a batch of events is sent to the moment a follower has read each of them, at 1,000 events/s. */
export async function benchTail(plane: BenchPlane): Promise<string> {
  const gateway = 'gw_tail'
  const { key } = await asSystem(plane.services, plane.orgId, async (ctx) => {
    await registerGateway(ctx, { id: gateway })
    return createToken(ctx, {
      name: 'gateway tail',
      token_type: 'access',
      purpose: 'gateway_runtime',
      gateway_id: gateway,
      scope: 'org',
    })
  })
  const sentAt = new Map<string, number>()
  const delays: number[] = []
  const { body } = await plane.fetch(
    new Request('http://bench/v1/events/tail', { headers: { authorization: `Bearer ${plane.key}` } }),
  )
  if (body === null) throw new Error('The tail has no body.')
  const reader = body.getReader()
  const following = follow(reader, sentAt, delays)
  const sends: Promise<void>[] = []
  let sequence = 0
  const startedAt = performance.now()
  for (let batch = 0; performance.now() - startedAt < DURATION_MS; batch++) {
    await delay(Math.max(0, startedAt + (batch * BATCH * 1_000) / PER_SECOND - performance.now()))
    const events = Array.from({ length: BATCH }, () => {
      sequence += 1
      return gatewayEvent(gateway, { gateway_seq: sequence })
    })
    for (const { event_id } of events) sentAt.set(event_id, performance.now())
    sends.push(send(plane, key, JSON.stringify({ events })))
  }
  await Promise.all(sends)
  for (let waited = 0; delays.length < sequence && waited < 200; waited++) await delay(50)
  await reader.cancel()
  await following
  const sorted = delays.sort((a, b) => a - b)
  const at = (share: number) => (sorted[Math.floor((sorted.length - 1) * share)] ?? Number.NaN).toFixed(0)
  return [
    '| events sent | followed | p50 ms | p99 ms | longest ms |',
    '|--:|--:|--:|--:|--:|',
    `| ${sequence} | ${delays.length} | ${at(0.5)} | ${at(0.99)} | ${at(1)} |`,
  ].join('\n')
}

async function send(plane: BenchPlane, key: string, body: string): Promise<void> {
  const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' }
  const response = await plane.fetch(new Request('http://bench/v1/events', { method: 'POST', headers, body }))
  const text = await response.text()
  if (!response.ok || !text.includes(`"accepted":${BATCH}`)) throw new Error(`A batch was not accepted: ${text}`)
}

async function follow(
  reader: ReadableStreamDefaultReader<Uint8Array>,
  sentAt: Map<string, number>,
  delays: number[],
): Promise<void> {
  const decoder = new TextDecoder()
  let rest = ''
  for (;;) {
    const { value, done } = await reader.read()
    if (done) return
    const now = performance.now()
    const frames = `${rest}${decoder.decode(value, { stream: true })}`.split('\n\n')
    rest = frames.pop() ?? ''
    for (const frame of frames) {
      const sent = sentAt.get(/"event_id":"(evt_[0-9a-f]+)"/.exec(frame)?.[1] ?? '')
      if (sent !== undefined) delays.push(now - sent)
    }
  }
}
