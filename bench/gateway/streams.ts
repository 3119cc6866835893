import { setTimeout as delay } from 'node:timers/promises'
import { type Dispatcher, Pool } from 'undici'
import { cpuMs, forgetPeak, memoryMiB } from '../processes'
import { quantile } from './latency'
import { PACED_PIECES, streamRequestOf } from './requests'
import { KEY, type System } from './systems'

const CONCURRENT = 512
const PACE_MS = 20
const PACED_EVENTS = PACED_PIECES.length
const OPEN = 1_000

/** `firstMs` without the streams of the beginning, when connections are opened. */
type Seen = { firstMs: number[]; begun: number; streams: number; lost: number; failed: number }

/**
 * 512 streams at once, each of 64 events at 20 ms, begun one after the other so that their beginnings are spread:
 * when the first event came, and whether every event came, once and in order.
 */
export async function pacedStreams(systems: readonly System[], seconds: number): Promise<string[]> {
  const rows: string[] = []
  let direct: { p50: number; p99: number } | null = null
  for (const system of systems) {
    console.error(`${CONCURRENT} paced streams: ${system.name}`)
    const before = system.pid === null ? 0 : cpuMs(system.pid)
    const seen = await pacedSlots(system, seconds)
    const cpuUs = system.pid === null ? 0 : ((cpuMs(system.pid) - before) * 1_000) / (seen.begun * PACED_EVENTS)
    const [p50, p99] = [quantile(seen.firstMs, 0.5), quantile(seen.firstMs, 0.99)]
    direct ??= { p50, p99 }
    const times =
      system.pid === null
        ? [`${p50.toFixed(2)} ms`, `${p99.toFixed(1)} ms`, '']
        : [added(p50 - direct.p50), added(p99 - direct.p99, 1), `${cpuUs.toFixed(1)} us`]
    const cells = [...times, seen.streams, seen.lost, seen.failed]
    rows.push(`| ${system.name.startsWith('Keeptrusts') ? `**${system.name}**` : system.name} | ${cells.join(' | ')} |`)
  }
  return [
    '',
    `### First token added, ${CONCURRENT} streams at once of ${PACED_EVENTS} events, one every ${PACE_MS} ms`,
    '',
    '| system (direct not subtracted) | p50 | p99 | CPU per event | streams | events lost | failed |',
    '|---|--:|--:|--:|--:|--:|--:|',
    ...rows,
  ]
}

const added = (ms: number, digits = 2) => `${ms < 0 ? '' : '+'}${ms.toFixed(digits)} ms`

async function pacedSlots(system: System, seconds: number): Promise<Seen> {
  const pool = new Pool(system.url, { connections: CONCURRENT, headersTimeout: 30_000, bodyTimeout: 30_000 })
  const seen: Seen = { firstMs: [], begun: 0, streams: 0, lost: 0, failed: 0 }
  /** Of streams for which a connection had to be opened; only what is too slow for any other is judged by them. */
  const early: number[] = []
  const spreadMs = PACED_EVENTS * PACE_MS
  const startedAt = performance.now()
  const gaveUp = setTimeout(() => void pool.destroy(), spreadMs + seconds * 1_000 + PATIENCE_MS)
  const slot = async (place: number) => {
    await delay((place * spreadMs) / CONCURRENT)
    for (let atMs = 0; atMs < spreadMs + seconds * 1_000; atMs = performance.now() - startedAt) {
      const isEarly = performance.now() - startedAt < spreadMs
      const stream = await readStream(pool, system, 'paced')
      seen.begun += 1
      if (stream.failed) seen.failed += 1
      else if (stream.firstMs !== null) (isEarly ? early : seen.firstMs).push(stream.firstMs)
      if (stream.failed) continue
      seen.streams += 1
      seen.lost += lostIn(stream.text)
    }
  }
  await Promise.all(Array.from({ length: CONCURRENT }, (_, place) => slot(place)))
  clearTimeout(gaveUp)
  await pool.destroy()
  if (seen.firstMs.length === 0) seen.firstMs = early
  return seen
}

/** For a system that cannot keep up. */
const PATIENCE_MS = 10_000

/** Pieces that are missing or out of order in the text that the events add up to; gateways may cut it elsewhere. */
function lostIn(stream: string): number {
  let text = ''
  for (const line of stream.split('\n')) {
    if (!line.startsWith('data: {')) continue
    const parsed = JSON.parse(line.slice(6)) as { choices?: { delta?: { content?: string } }[] }
    text += parsed.choices?.[0]?.delta?.content ?? ''
  }
  let at = 0
  let lost = 0
  for (const piece of PACED_PIECES) {
    if (text.startsWith(piece, at)) at += piece.length
    else lost += 1
  }
  return at === text.length ? lost : PACED_EVENTS
}

type Read = { firstMs: number | null; text: string; failed: boolean }

function readStream(pool: Pool, system: System, model: string, onStart?: (stop: () => void) => void): Promise<Read> {
  return new Promise((resolve) => {
    const sentAt = performance.now()
    const parts: Buffer[] = []
    let firstMs: number | null = null
    let status = 0
    const end = (failed: boolean) => resolve({ firstMs, text: Buffer.concat(parts).toString('utf8'), failed })
    const handler: Dispatcher.DispatchHandler = {
      onRequestStart(controller) {
        onStart?.(() => controller.abort(new Error('seen enough')))
      },
      onResponseStart(_, statusCode) {
        status = statusCode
      },
      onResponseData(_, bytes) {
        firstMs ??= performance.now() - sentAt
        if (onStart === undefined) parts.push(Buffer.from(bytes))
      },
      onResponseEnd: () => end(status !== 200),
      onResponseError: () => end(true),
    }
    const headers = { 'content-type': 'application/json', authorization: `Bearer ${KEY}`, ...system.headers }
    if (pool.destroyed) {
      end(true)
      return
    }
    pool.dispatch(
      { path: '/v1/chat/completions', method: 'POST', headers, body: streamRequestOf(model, 1_000) },
      handler,
    )
  })
}

/** What a process holds while 1,000 streams are open that say one event a second. */
export async function openStreams(systems: readonly System[]): Promise<string[]> {
  const rows: string[] = []
  for (const system of systems) {
    const { pid } = system
    if (pid === null) continue
    console.error(`${OPEN} open streams: ${system.name}`)
    const before = memoryMiB(pid).now
    forgetPeak(pid)
    const pool = new Pool(system.url, { connections: OPEN, headersTimeout: 30_000, bodyTimeout: 30_000 })
    const stops: (() => void)[] = []
    let ended = 0
    const reads = Array.from({ length: OPEN }, async (_, place) => {
      await delay(place)
      await readStream(pool, system, 'slow', (stop) => stops.push(stop))
      ended += 1
    })
    await delay(OPEN + 3_000)
    const { now, peak } = memoryMiB(pid)
    const open = OPEN - ended
    for (const stop of stops) stop()
    await Promise.all(reads)
    await pool.destroy()
    const perStream = ((now - before) * 1_024) / Math.max(1, open)
    const cells = [open, `${Math.round(now)} MiB`, `${Math.round(peak)} MiB`, `${perStream.toFixed(0)} KiB`]
    rows.push(`| ${system.name.startsWith('Keeptrusts') ? `**${system.name}**` : system.name} | ${cells.join(' | ')} |`)
  }
  return [
    '',
    `### Memory with ${OPEN.toLocaleString('en')} open streams`,
    '',
    '| system | open after 4 s | RSS | peak RSS | more per stream than before |',
    '|---|--:|--:|--:|--:|',
    ...rows,
  ]
}
