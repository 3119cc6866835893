import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { gatewayEvent } from '../../control-plane/events/testing'
import { captured } from '../../control-plane/payloads/testing'
import { Delivery } from '../../gateway/delivery'
import { DiskSpool } from '../../gateway/spool'
import { appended, spoolRecord } from '../../gateway/spool-port'
import type { SpoolBatch } from '../../gateway/spool-recent'
import type { GatewayEvent } from '../../lib/contract/events'
import type { Random } from './random'

/** Seen from outside: what the control plane has said to be durable. */
class WatchedSpool extends DiskSpool {
  readonly acknowledged: string[] = []

  override async acknowledge(batch: SpoolBatch): Promise<void> {
    for (const record of batch.records) {
      const id = EVENT_ID.exec(record.toString('latin1', 0, 80))?.[1]
      if (id !== undefined) this.acknowledged.push(id)
    }
    await super.acknowledge(batch)
  }
}
const EVENT_ID = /^\{"event":\{"event_id":"(evt_[0-9a-f]{32})"/

/** What has gone wrong on the way of one event to the spool. */
const POISONS: Record<string, unknown>[] = [
  { verdict: 'perhaps' },
  { gateway_id: 'gw_of_another' },
  { tokens: { input: -1, output: 0, cached: 0, reasoning: 0 } },
  { model: 7 },
  { timestamp: 'yesterday' },
]

/** A gateway's spool and delivery, as the gateway runs them, filled with events in a seeded disorder. */
export class Sender {
  /** Of the poison: numbers that the record lacks until somebody replays them. */
  readonly poisoned = new Set<number>()
  readonly poisonIds = new Set<string>()
  readonly made = new Set<string>()
  readonly #spool: WatchedSpool
  readonly #delivery: Delivery
  readonly #rejectedPath: string

  private constructor(
    readonly id: string,
    spool: WatchedSpool,
    directory: string,
    { apiUrl, token }: { apiUrl: string; token: string },
  ) {
    this.#spool = spool
    this.#rejectedPath = join(directory, 'rejected.jsonl')
    this.#delivery = new Delivery({
      spool,
      apiUrl,
      token,
      log: { warn: () => undefined, error: () => undefined },
      rejectedPath: this.#rejectedPath,
      batchRecordsMax: 60,
      lingerMs: 10,
      retryFirstMs: 40,
      retryMaxMs: 300,
    })
    this.#delivery.start()
  }

  static async start(directory: string, gateway: { id: string; token: string }, apiUrl: string): Promise<Sender> {
    const spool = new WatchedSpool({ directory: join(directory, 'spool') })
    await spool.recover()
    return new Sender(gateway.id, spool, directory, { apiUrl, token: gateway.token })
  }

  get depth(): number {
    return this.#spool.depth
  }

  /** Ids of events, each as often as it was acknowledged. */
  get acknowledged(): readonly string[] {
    return this.#spool.acknowledged
  }

  get trouble(): string | null {
    return this.#delivery.lastError?.message ?? null
  }

  /** Ids that were refused for good: the poison and nothing else. */
  rejected(): Set<string> {
    if (!existsSync(this.#rejectedPath)) return new Set()
    const lines = readFileSync(this.#rejectedPath, 'utf8').split('\n').filter(Boolean)
    return new Set(lines.map((line) => EVENT_ID.exec(JSON.parse(line).record)?.[1] ?? line))
  }

  /** Makes so many events, some twice, some out of order, one of them poison, over about so long. */
  async make(random: Random, count: number, overMs: number): Promise<void> {
    const records = Array.from({ length: count }, (_, at) => this.#record(random, at === Math.floor(count / 2)))
    for (let at = 0; at < records.length; at++) {
      if (random.chance(0.05)) records.splice(at, 0, records[random.below(at + 1)] ?? '')
      // Further away than a batch is long, now and then.
      if (random.chance(0.1)) swap(records, at, Math.min(records.length - 1, at + random.below(100)))
    }
    for (let at = 0; at < records.length; ) {
      const some = records.slice(at, at + 1 + random.below(60))
      await Promise.all(some.map((record) => appended(this.#spool, record)))
      at += some.length
      await delay((some.length / records.length) * overMs)
    }
  }

  /** One event that brings so many bytes of content along. */
  async makeWithContent(random: Random, bytes: number): Promise<void> {
    const request = Buffer.from(JSON.stringify({ messages: [{ role: 'user', content: 'x'.repeat(bytes) }] }))
    const { event, capture } = captured(this.#event(random), {
      request: request.toString(),
      response: null,
      capture: 'redacted',
    })
    this.made.add(event.event_id)
    const salt = Buffer.from(capture.salt, 'base64')
    await appended(this.#spool, spoolRecord(JSON.stringify(event), { request, response: null, salt }))
  }

  async drained(withinMs: number): Promise<boolean> {
    for (const until = performance.now() + withinMs; performance.now() < until; await delay(5)) {
      if (this.depth === 0) return true
    }
    return false
  }

  async stop(): Promise<void> {
    await this.#delivery.stop(1_000)
    await this.#spool.close()
  }

  #record(random: Random, isPoison: boolean): string {
    const event = this.#event(random)
    if (!isPoison) this.made.add(event.event_id)
    return spoolRecord(isPoison ? this.#poison(event, random) : JSON.stringify(event), null)
  }

  #event(random: Random): GatewayEvent {
    const seq = this.#spool.nextSeq()
    const model = random.pick(['gpt-5.4-mini', 'gpt-5.4', 'claude-sonnet-5'])
    return gatewayEvent(this.id, {
      gateway_seq: seq,
      model,
      model_requested: model,
      verdict: random.pick(['allow', 'allow', 'allow', 'block', 'redact']),
      team_id: random.pick([null, 'team_0', 'team_1']),
      tokens: { input: random.below(1_000), output: random.below(500), cached: 0, reasoning: 0 },
    })
  }

  #poison(event: GatewayEvent, random: Random): string {
    this.poisoned.add(event.gateway_seq)
    this.poisonIds.add(event.event_id)
    return JSON.stringify({ ...event, ...POISONS[random.below(POISONS.length)] })
  }
}

function swap(items: string[], a: number, b: number): void {
  const kept = items[a] ?? ''
  items[a] = items[b] ?? ''
  items[b] = kept
}
