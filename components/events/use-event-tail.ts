'use client'

import { useEffect, useEffectEvent, useState, useSyncExternalStore } from 'react'
import type { DecisionEvent } from '@/lib/contract/events'
import { followTail, type TailStatus } from './follow-tail'

/** What arrives within this of the last hand-over waits for its end, so that a burst costs few renders. */
const FLUSH_MS = 150

type EventTailOptions = {
  /** Names the rows that the arrivals belong to. */
  rowsKey: string
  filter: string | undefined
  isEnabled: boolean
  /** The highest `seq` among the rows that are loaded; asked for when following begins. */
  startAfter: () => Promise<number>
  onArrived: (events: DecisionEvent[]) => void
}

/**
 * Follows events as they are recorded. Nothing is held open for a page that nobody sees: browsers allow few connections
 * to one host, and what was missed meanwhile is sent when the page comes back.
 */
export function useEventTail({ rowsKey, filter, isEnabled, startAfter, onArrived }: EventTailOptions): TailStatus {
  const [status, setStatus] = useState<TailStatus>('connecting')
  const [resume] = useState(() => new Map<string, number>())
  const isVisible = usePageVisible()
  const start = useEffectEvent(startAfter)
  const arrived = useEffectEvent(onArrived)

  useEffect(() => {
    if (!isEnabled || !isVisible) return
    const ended = new AbortController()
    const waiting: DecisionEvent[] = []
    let timer: ReturnType<typeof setTimeout> | undefined
    let flushedAt = 0
    const flush = () => {
      timer = undefined
      flushedAt = performance.now()
      arrived(waiting.splice(0))
    }
    const onEvent = (event: DecisionEvent) => {
      resume.set(rowsKey, event.seq)
      waiting.push(event)
      timer ??= setTimeout(flush, Math.max(0, flushedAt + FLUSH_MS - performance.now()))
    }
    const run = async () => {
      const after = Math.max(await start(), resume.get(rowsKey) ?? 0)
      resume.set(rowsKey, after)
      if (!ended.signal.aborted) await followTail({ filter, after, signal: ended.signal, onEvent, onStatus: setStatus })
    }
    setStatus('connecting')
    run().catch(() => setStatus('lost'))
    return () => {
      ended.abort()
      clearTimeout(timer)
      if (waiting.length > 0) flush()
    }
  }, [rowsKey, filter, isEnabled, isVisible, resume])

  return status
}

const usePageVisible = () =>
  useSyncExternalStore(
    (listener) => {
      document.addEventListener('visibilitychange', listener)
      return () => document.removeEventListener('visibilitychange', listener)
    },
    () => document.visibilityState === 'visible',
    () => true,
  )
