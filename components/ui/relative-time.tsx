'use client'

import { useSyncExternalStore } from 'react'
import { Tooltip } from './tooltip'

const UNITS: [Intl.RelativeTimeFormatUnit, number][] = [
  ['year', 31_536_000],
  ['month', 2_592_000],
  ['day', 86_400],
  ['hour', 3_600],
  ['minute', 60],
  ['second', 1],
]
/** `yesterday` says when; `last yr.` and `next mo.`, which are all that is between one and two of them away, do not. */
const DAYS = new Intl.RelativeTimeFormat('en', { numeric: 'auto', style: 'short' })
const RELATIVE = new Intl.RelativeTimeFormat('en', { style: 'short' })

/** `in 3 days`, `4 min. ago`; `just now` within the ten seconds by which the page's clock may lag. */
export function relativeTime(iso: string, nowMs: number): string {
  const ahead = Math.round((Date.parse(iso) - nowMs) / 1_000)
  // The page's clock is up to 10 s behind: what happened since its last tick is now, not in the future.
  const seconds = ahead > 0 && ahead <= 10 ? 0 : ahead
  if (Math.abs(seconds) <= 10) return 'just now'
  const [unit, size] = UNITS.find(([, length]) => Math.abs(seconds) >= length) ?? ['second', 1]
  // What has passed counts once it is whole; a key of 90 days expires in 3 months from its first minute on.
  const count = seconds > 0 ? Math.round(seconds / size) : Math.trunc(seconds / size)
  return (unit === 'day' ? DAYS : RELATIVE).format(count, unit)
}

type RelativeTimeProps = {
  at: string | null
  /** Shown when there is no time. */
  none?: string
  /** As a clock shows it, where words such as `until` go before it. */
  isClock?: boolean
  /** Whether the element takes part in the tab order; in dense tables the row does. */
  focusable?: boolean
}

/** How long ago or until, with the exact time in the viewer's zone and in UTC on hover and focus. */
export function RelativeTime({ at, none = 'Never', isClock = false, focusable = true }: RelativeTimeProps) {
  const nowMs = useNow()
  if (!at) return <span className="text-fg-muted">{none}</span>
  return (
    <Tooltip content={<ExactTime at={at} />}>
      <time dateTime={at} tabIndex={focusable ? 0 : undefined} className="whitespace-nowrap" suppressHydrationWarning>
        {nowMs === 0 ? at.slice(0, 10) : isClock ? clockTime(at, nowMs) : relativeTime(at, nowMs)}
      </time>
    </Tooltip>
  )
}

/** A time as a clock shows it: `22:33:05`, with the day where it is another one. */
function clockTime(at: string, nowMs: number): string {
  const date = new Date(at)
  return (date.toDateString() === new Date(nowMs).toDateString() ? CLOCK : DAY_AND_CLOCK).format(date)
}

const CLOCK = new Intl.DateTimeFormat('en-GB', { timeStyle: 'medium' })
const DAY_AND_CLOCK = new Intl.DateTimeFormat('en-GB', {
  day: 'numeric',
  month: 'short',
  hour: '2-digit',
  minute: '2-digit',
})

export function ExactTime({ at }: { at: string }) {
  const local = new Date(at).toLocaleString('en-GB', { dateStyle: 'medium', timeStyle: 'long' })
  return (
    <span className="grid grid-cols-[auto_1fr] gap-x-2">
      <span className="text-fg-muted">Local</span>
      <span suppressHydrationWarning>{local}</span>
      <span className="text-fg-muted">UTC</span>
      <span className="font-mono">{at.replace(/\.\d+Z$/, 'Z')}</span>
    </span>
  )
}

/** One clock for all times on the page; 0 on the server, so that server and browser render the same. */
export const useNow = () => useSyncExternalStore(subscribe, readNow, () => 0)

const listeners = new Set<() => void>()
let now = 0
let timer: ReturnType<typeof setInterval> | undefined

function readNow() {
  if (now === 0) now = Date.now()
  return now
}

function subscribe(listener: () => void) {
  listeners.add(listener)
  timer ??= setInterval(() => {
    now = Date.now()
    for (const notify of listeners) notify()
  }, 10_000)
  return () => {
    listeners.delete(listener)
    if (listeners.size > 0) return
    clearInterval(timer)
    timer = undefined
    now = 0
  }
}
