import { randomBytes } from 'node:crypto'
import { parentPort, workerData } from 'node:worker_threads'
import { Agent, request } from 'undici'
import { gatewayEvent } from '../control-plane/events/testing'
import { captured } from '../control-plane/payloads/testing'
import type { GatewayEvent } from '../lib/contract/events'
import { newId } from '../lib/ids'

/** Who sends: gateways of one organisation, each with its runtime key. */
export type SenderData = { url: string; gateways: { id: string; key: string }[] }
/** Sends batches of so many events for so long; answers with what was recorded and how long that took. */
export type SendOrder = {
  batch: number
  durationMs: number
  /** Of request and of answer. */
  contentBytes?: number
  /** Whether no price is known, so that nothing is posted to the ledger. */
  isUnpriced?: boolean
}
export type SendReport = { recorded: number; elapsedMs: number; p50Ms: number; p99Ms: number }

const { url, gateways } = workerData as SenderData
const dispatcher = new Agent({ connections: gateways.length, pipelining: 1 })
const seqs = new Map<string, number>()

parentPort?.on('message', (order: SendOrder) => {
  send(order).then(
    (report) => parentPort?.postMessage(report),
    (error: unknown) => {
      throw error
    },
  )
})

async function send({ batch, durationMs, contentBytes = 0, isUnpriced = false }: SendOrder): Promise<SendReport> {
  const startedAt = performance.now()
  const took: number[] = []
  const one = async ({ id, key }: SenderData['gateways'][number]) => {
    let recorded = 0
    while (performance.now() - startedAt < durationMs) {
      const body = bodyOf(id, batch, { contentBytes, isUnpriced })
      const sentAt = performance.now()
      const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' }
      const answer = await request(`${url}/v1/events`, { method: 'POST', headers, body, dispatcher })
      const { accepted } = (await answer.body.json()) as { accepted: number }
      if (accepted !== batch) throw new Error(`A batch was not accepted: ${answer.statusCode}, ${accepted} events.`)
      took.push(performance.now() - sentAt)
      recorded += batch
    }
    return recorded
  }
  const recorded = (await Promise.all(gateways.map(one))).reduce((sum, count) => sum + count, 0)
  took.sort((a, b) => a - b)
  const at = (share: number) => took[Math.min(took.length - 1, Math.floor(took.length * share))] ?? Number.NaN
  return { recorded, elapsedMs: performance.now() - startedAt, p50Ms: at(0.5), p99Ms: at(0.99) }
}

type Kind = { contentBytes: number; isUnpriced: boolean }

/** Made by copying bytes to where the last batch of the gateway was, so that what is measured is not the making of events. */
function bodyOf(gatewayId: string, batch: number, kind: Kind): Buffer {
  const templates = templatesOf(kind)
  const body = new Bytes(memoryOf(gatewayId, batch * Math.max(...templates.map(({ sizeMax }) => sizeMax)) + 64))
  const captured: [string[], string][] = []
  let seq = seqs.get(gatewayId) ?? 0
  const timestamp = new Date().toISOString()
  body.text('{"events":[')
  for (let n = 0; n < batch; n++) {
    seq += 1
    const template = templates[(seq * 7) % templates.length]
    if (template === undefined) throw new Error('There is no template.')
    const eventId = newId('evt')
    const marks = [eventId, timestamp, newId('req'), gatewayId, String(seq)]
    if (n > 0) body.text(',')
    for (const [at, piece] of template.event.entries()) {
      body.bytes(piece)
      const mark = marks[at]
      if (mark !== undefined) body.text(mark)
    }
    if (template.capture) captured.push([template.capture, eventId])
  }
  seqs.set(gatewayId, seq)
  body.text(']')
  for (const [at, [pieces, eventId]] of captured.entries()) {
    body.text(at === 0 ? ',"captures":[' : ',')
    body.text(pieces.join(eventId))
  }
  body.text(captured.length > 0 ? ']}' : '}')
  return body.done()
}

/** Bytes one behind the other. */
class Bytes {
  #at = 0
  constructor(private readonly memory: Buffer) {}

  bytes(piece: Buffer): void {
    this.#at += piece.copy(this.memory, this.#at)
  }

  text(ascii: string): void {
    this.#at += this.memory.write(ascii, this.#at, 'latin1')
  }

  done(): Buffer {
    return this.memory.subarray(0, this.#at)
  }
}

const memories = new Map<string, Buffer>()

function memoryOf(gatewayId: string, size: number): Buffer {
  const known = memories.get(gatewayId)
  if (known !== undefined && known.length >= size) return known
  const made = Buffer.allocUnsafeSlow(size)
  memories.set(gatewayId, made)
  return made
}

/** `sizeMax` in bytes, with ids and content. */
type Template = { event: Buffer[]; capture: string[] | null; sizeMax: number }
const made = new Map<string, Template[]>()

function templatesOf(kind: Kind): Template[] {
  const key = JSON.stringify(kind)
  const known = made.get(key) ?? Array.from({ length: 60 }, (_, n) => templateOf(n, kind))
  made.set(key, known)
  return known
}

/** One of sixty combinations of key, team, model and verdict, as one organisation has within a minute. */
function templateOf(n: number, { contentBytes, isUnpriced }: Kind): Template {
  const model = ['gpt-5.4-mini', 'gpt-5.4', 'claude-sonnet-5', 'gemini-3-flash'][n % 4] ?? ''
  const given: Partial<GatewayEvent> = {
    event_id: 'evt_MARK',
    timestamp: '@TIME',
    gateway_id: '@GATEWAY',
    gateway_seq: 987_654_321,
    request_id: '@REQUEST',
    token_id: `tok_${String(n % 20).padStart(32, '0')}`,
    token_name: `app-production-${n % 20}`,
    team_id: `team_${n % 5}`,
    agent_id: n % 3 === 0 ? `agent-${n % 6}` : null,
    user_id: n % 4 === 0 ? `usr_${n % 8}` : null,
    model,
    model_requested: model,
    verdict: n % 15 === 0 ? 'block' : 'allow',
    reason_code: n % 15 === 0 ? 'pii.detected' : 'ok',
    tokens: { input: 400 + n, output: 120 + n, cached: 0, reasoning: 0 },
    ...(isUnpriced ? {} : { event_cost_attribution: costOf(n) }),
  }
  const made = gatewayEvent('@GATEWAY', given)
  const content = { request: textOf(contentBytes), response: textOf(contentBytes), capture: 'redacted' } as const
  const both = contentBytes > 0 ? captured(made, content) : { event: made, capture: null }
  const pieces = (value: unknown) => JSON.stringify(value).split(/evt_MARK|@TIME|@REQUEST|@GATEWAY|987654321/)
  const event = pieces(both.event).map((piece) => Buffer.from(piece))
  const capture = both.capture && pieces(both.capture)
  const sizeMax = Buffer.concat(event).length + (capture?.join('').length ?? 0) + MARKS_BYTES_MAX
  return { event, capture, sizeMax }
}

/** What stands in the places that are marked. */
const MARKS_BYTES_MAX = 256

/** Of so many bytes, no two alike. */
const textOf = (bytes: number) => randomBytes(bytes).toString('base64').slice(0, bytes)

const costOf = (n: number): GatewayEvent['event_cost_attribution'] => ({
  total_cost_usd: `0.00${1_234 + n}`,
  input_cost_usd: '0.0004',
  output_cost_usd: `0.000${8_340 + 10 * n}`,
  currency: 'USD',
  price_book_version: '2026.11.1',
  price_status: 'priced',
  source_spend_log_id: null,
  units: [],
})
