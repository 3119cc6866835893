import { setTimeout as sleep } from 'node:timers/promises'
import type { Client } from '@/lib/client'
import { type DecisionEvent, events } from '@/lib/contract/events'
import { AppError } from '@/lib/errors'
import type { Io } from './io'
import { printable } from './text'

type Following = {
  filter: string | undefined
  /** Begin after this `seq`. */
  after: number
  /** `seq`s that were shown already. */
  skip: ReadonlySet<number>
  /** End after so many. */
  count: number
  show: (event: DecisionEvent) => void
}

const RECONNECT_MS = [500, 1_000, 2_000, 5_000, 10_000]

/**
 * Shows events as they are recorded until `count` were shown or the command is interrupted. A stream that breaks is
 * taken up again after the last event seen, so that none is missed; one that never opened fails.
 */
export async function followEvents(
  io: Io,
  call: Client,
  { filter, after, skip, count, show }: Following,
): Promise<void> {
  const interrupt = new AbortController()
  const stop = () => interrupt.abort()
  process.once('SIGINT', stop).once('SIGTERM', stop)
  let [last, left, failures, hasOpened] = [after, count, 0, false]
  try {
    while (left > 0 && !interrupt.signal.aborted) {
      try {
        for await (const { data } of call.subscribe(
          events.tail,
          { filter, after: last },
          { signal: interrupt.signal },
        )) {
          hasOpened = true
          failures = 0
          if (data.seq <= last) continue
          last = data.seq
          if (skip.has(data.seq)) continue
          show(data)
          left -= 1
          if (left === 0) return
        }
        hasOpened = true // the server ended the stream in order
      } catch (thrown) {
        if (interrupt.signal.aborted) return
        // A stream that opened and broke throws undici's TypeError; one that was refused an AppError.
        if (!canRetry(thrown) || (!hasOpened && thrown instanceof AppError)) throw thrown
        hasOpened = true
        io.stderr.write(`kt: ${printable(thrown instanceof Error ? thrown.message : String(thrown))} Trying again.\n`)
      }
      await sleep(RECONNECT_MS[Math.min(failures++, RECONNECT_MS.length - 1)], undefined, {
        signal: interrupt.signal,
      }).catch(() => undefined)
    }
  } finally {
    stop()
    process.off('SIGINT', stop).off('SIGTERM', stop)
  }
}

/** A refused token or filter stays refused; a broken connection (undici throws a TypeError) does not. */
const canRetry = (thrown: unknown) =>
  thrown instanceof AppError ? thrown.status === 429 || thrown.status >= 500 : thrown instanceof TypeError
