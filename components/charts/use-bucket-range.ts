'use client'

import { type KeyboardEvent, type PointerEvent, useState } from 'react'

/** Buckets between where marking began and where it is now; `isHeld` while a pointer is down. */
type Mark = { anchor: number; head: number; isHeld: boolean }

type BucketRangeOptions = { count: number; onChoose: (first: number, last: number) => void }

/** Marks a stretch of buckets by pointer or keyboard, and tells which was chosen. */
export function useBucketRange({ count, onChoose }: BucketRangeOptions) {
  const [mark, setMark] = useState<Mark | null>(null)
  const marked =
    mark && mark.head < count && mark.anchor < count
      ? { first: Math.min(mark.anchor, mark.head), last: Math.max(mark.anchor, mark.head), head: mark.head }
      : null

  const onKeyDown = (event: KeyboardEvent) => {
    const from = mark?.head ?? count
    const to = targetOf(event.key, from, count)
    if (to !== undefined) {
      event.preventDefault()
      setMark({ anchor: event.shiftKey && mark ? mark.anchor : to, head: to, isHeld: false })
    } else if ((event.key === 'Enter' || event.key === ' ') && marked) {
      event.preventDefault()
      setMark(null)
      onChoose(marked.first, marked.last)
    } else if (event.key === 'Escape' && mark) {
      event.stopPropagation()
      setMark(null)
    }
  }

  /** `leftPx` is how far from the left the first bucket begins. */
  const pointerHandlers = (leftPx: number) => {
    const indexAt = (event: PointerEvent) => {
      const { left, width } = event.currentTarget.getBoundingClientRect()
      const part = (event.clientX - left - leftPx) / (width - leftPx)
      return Math.min(count - 1, Math.max(0, Math.floor(part * count)))
    }
    return {
      onPointerDown: (event: PointerEvent) => {
        if (event.button !== 0 || count === 0) return
        event.currentTarget.setPointerCapture(event.pointerId)
        const at = indexAt(event)
        setMark({ anchor: at, head: at, isHeld: true })
      },
      onPointerMove: (event: PointerEvent) => {
        if (count === 0) return
        const head = indexAt(event)
        setMark((now) => (now?.isHeld ? { ...now, head } : { anchor: head, head, isHeld: false }))
      },
      onPointerUp: () => {
        if (!mark?.isHeld) return
        setMark(null)
        // One bucket is a click: it zooms too, so that no drag is needed.
        if (marked) onChoose(marked.first, marked.last)
      },
      onPointerCancel: () => setMark(null),
      onPointerLeave: () => setMark((now) => (now?.isHeld ? now : null)),
    }
  }

  return { marked, onKeyDown, pointerHandlers, clear: () => setMark(null) }
}

function targetOf(key: string, from: number, count: number): number | undefined {
  if (count === 0) return undefined
  if (key === 'ArrowLeft') return Math.max(0, from - 1)
  if (key === 'ArrowRight') return Math.min(count - 1, from === count ? 0 : from + 1)
  if (key === 'Home') return 0
  return key === 'End' ? count - 1 : undefined
}
