import { type DecisionEvent, events } from '@/lib/contract/events'
import { AppError } from '@/lib/errors'
import { api } from '../api'

export type TailStatus = 'connecting' | 'live' | 'lost'

type Following = {
  filter: string | undefined
  /** Begin after this `seq`. */
  after: number
  signal: AbortSignal
  onEvent: (event: DecisionEvent) => void
  onStatus: (status: TailStatus) => void
}

const RETRY_MS = [500, 1_000, 2_000, 5_000, 10_000]
/** The server shows a sign of life every 15 s; after more than two missed ones the connection is taken for dead. */
const SILENCE_MS_MAX = 35_000

/**
 * Follows recorded events until the signal ends it. A broken or silent connection is taken up again after the last event
 * seen (`Last-Event-ID`), so none is missed. Ends with `lost` when the server refuses for good.
 */
export async function followTail({ filter, after, signal, onEvent, onStatus }: Following): Promise<void> {
  let lastSeq = after
  for (let failures = 0; !signal.aborted; failures++) {
    const silence = watchSilence(signal)
    try {
      const stream = api.subscribe(events.tail, filter === undefined ? {} : { filter }, {
        signal: silence.signal,
        lastEventId: String(lastSeq),
        onAlive: () => {
          failures = 0
          silence.heard()
          onStatus('live')
        },
      })
      for await (const { data } of stream) {
        silence.heard()
        if (data.seq <= lastSeq) continue
        lastSeq = data.seq
        onEvent(data)
      }
    } catch (thrown) {
      if (signal.aborted) return
      if (isFinal(thrown)) return onStatus('lost')
    } finally {
      silence.stop()
    }
    if (signal.aborted) return
    onStatus('lost')
    await pause(RETRY_MS[Math.min(failures, RETRY_MS.length - 1)] ?? 10_000, signal)
  }
}

/** A refused filter or permission stays refused; whatever else broke may come back. */
const isFinal = (thrown: unknown) =>
  thrown instanceof AppError && thrown.status < 500 && thrown.status !== 429 && thrown.status !== 404

/** Aborts when nothing was heard for SILENCE_MS_MAX, or with `outer`. */
function watchSilence(outer: AbortSignal) {
  const silent = new AbortController()
  let timer = setTimeout(() => silent.abort(), SILENCE_MS_MAX)
  return {
    signal: AbortSignal.any([outer, silent.signal]),
    heard: () => {
      clearTimeout(timer)
      timer = setTimeout(() => silent.abort(), SILENCE_MS_MAX)
    },
    stop: () => clearTimeout(timer),
  }
}

const pause = (ms: number, signal: AbortSignal) =>
  new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, ms)
    signal.addEventListener('abort', () => {
      clearTimeout(timer)
      resolve()
    })
  })
