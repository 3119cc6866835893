'use client'

import { useInfiniteQuery, useQueryClient } from '@tanstack/react-query'
import { useEffect, useMemo, useRef, useState } from 'react'
import { type DecisionEvent, events } from '@/lib/contract/events'
import { resolveWhen } from '@/lib/contract/fields'
import { api } from '../api'
import { type EventSelection, eventQueries } from './event-queries'
import { isOverflown, mergeRows, NOTHING, receive, release, settle, type TailBuffer } from './tail-buffer'
import { useEventTail } from './use-event-tail'

const COUNT_AGAIN_MS = 1_000

/**
 * The rows of History: pages of the list with what is recorded since at the top. New rows wait behind a count while the
 * reader paused them or has scrolled away from the top.
 */
export function useEventRows(selection: EventSelection, isEnabled: boolean) {
  const key = JSON.stringify(selection)
  const [generation, setGeneration] = useState(0)
  const [shownCount, setShownCount] = useState(0)
  const [isPaused, setIsPaused] = useState(false)
  const [isAway, setIsAway] = useState(false)
  const [tail, setTail] = useState({ key: '', buffer: NOTHING })
  const buffer = tail.key === key ? tail.buffer : NOTHING
  const update = (change: (buffer: TailBuffer) => TailBuffer) =>
    setTail((now) => ({ key, buffer: change(now.key === key ? now.buffer : NOTHING) }))

  const query = useInfiniteQuery({ ...eventQueries.list(selection, generation), enabled: isEnabled })
  const isLoaded = query.isSuccess && !query.isPlaceholderData
  const listed = useMemo(() => query.data?.pages.flatMap((page) => page.items), [query.data])

  const lastPage = query.data?.pages.at(-1)
  const firstPage = isLoaded ? query.data.pages[0]?.items : undefined
  useEffect(() => {
    if (!firstPage) return
    const seqMax = seqMaxOf(firstPage)
    setTail((now) => {
      if (now.key !== key) return { key, buffer: NOTHING }
      const settled = settle(now.buffer, seqMax)
      return settled === now.buffer ? now : { key, buffer: settled }
    })
  }, [firstPage, key])

  const restart = () => {
    update(({ shown }) => ({ shown, held: [], heldCount: 0 }))
    setGeneration((count) => count + 1)
  }
  const showHeld = () => {
    setShownCount((count) => count + 1)
    if (isOverflown(buffer)) restart()
    else update(release)
  }
  const countAgain = useCountAgain()
  const canFollow = isEnabled && selection.until === undefined
  const status = useEventTail({
    rowsKey: key,
    filter: selection.filter,
    // The buffer takes the key once the rows of this selection are loaded.
    isEnabled: canFollow && tail.key === key,
    startAfter: async () => (firstPage?.length ? seqMaxOf(firstPage) : await newestSeq()),
    onArrived: (arrived) => {
      const since = selection.since ? resolveWhen(selection.since, new Date()).getTime() : 0
      const known = new Set(listed?.map(({ event_id }) => event_id))
      const fresh = arrived.filter((event) => Date.parse(event.timestamp) >= since && !known.has(event.event_id))
      const next = receive(buffer, fresh, isPaused || isAway)
      if (next === buffer) return
      update((now) => receive(now, fresh, isPaused || isAway))
      if (next.heldCount === 0 && isOverflown(next)) restart()
      countAgain()
    },
  })

  return {
    rows: useMemo(() => listed && mergeRows(buffer.shown, listed), [listed, buffer.shown]),
    /** Changes when the rows begin anew from the top. */
    topKey: `${key} ${shownCount}`,
    error: query.error,
    retry: () => void query.refetch(),
    more: {
      hasMore: query.hasNextPage,
      isLoading: query.isFetchingNextPage,
      load: () => void query.fetchNextPage(),
      error: query.isFetchNextPageError ? query.error : undefined,
      waits: lastPage?.complete === false,
    },
    /** How far back was looked when the search stopped before its page was full; null when it did not. */
    lookedUntil: lastPage?.complete === false && lastPage.next_cursor !== null ? lastPage.scanned_until : null,
    live: {
      canFollow,
      status,
      isPaused,
      newCount: buffer.heldCount,
      pause: () => setIsPaused(true),
      resume: () => {
        setIsPaused(false)
        showHeld()
      },
      showNew: showHeld,
    },
    setScrolledAway: (away: boolean) => {
      if (away === isAway) return
      setIsAway(away)
      if (!away && !isPaused && buffer.heldCount > 0) showHeld()
    },
  }
}

/** Has the counts read again soon after something arrived, once however much arrives. */
function useCountAgain() {
  const queryClient = useQueryClient()
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined)
  useEffect(() => () => clearTimeout(timer.current), [])
  return () => {
    timer.current ??= setTimeout(() => {
      timer.current = undefined
      void queryClient.invalidateQueries({ queryKey: eventQueries.counts })
    }, COUNT_AGAIN_MS)
  }
}

const seqMaxOf = (rows: readonly DecisionEvent[]) => rows.reduce((max, { seq }) => Math.max(max, seq), 0)

/**
 * Where to begin when no row is loaded. A little before the newest event, for what was recorded between two reads; what
 * is older than the range is dropped and what is known is not doubled.
 */
async function newestSeq(): Promise<number> {
  const { items } = await api(events.list, { limit: 1 })
  return Math.max(0, (items[0]?.seq ?? 0) - 20)
}
