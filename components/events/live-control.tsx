'use client'

import { ArrowUp, Pause, Play } from 'lucide-react'
import { Button } from '@/components/ui/button'
import { cn } from '@/components/ui/cn'
import { countText } from './event-words'
import type { TailStatus } from './follow-tail'

type LiveControlProps = {
  /** false for a range with an end: nothing can arrive in it. */
  canFollow: boolean
  status: TailStatus
  isPaused: boolean
  newCount: number
  pause: () => void
  resume: () => void
  showNew: () => void
  goLive: () => void
}

const WORDS: Record<TailStatus, string> = {
  connecting: 'Connecting…',
  live: 'Live',
  lost: 'Connection lost, trying again',
}

export function LiveControl({
  canFollow,
  status,
  isPaused,
  newCount,
  pause,
  resume,
  showNew,
  goLive,
}: LiveControlProps) {
  if (!canFollow) {
    return (
      <Button size="sm" variant="ghost" onClick={goLive}>
        <Play /> Go live
      </Button>
    )
  }
  return (
    <div className="flex flex-wrap items-center gap-2">
      <span role="status" className="flex items-center gap-1.5 text-fg-muted text-xs">
        <span aria-hidden className={cn('size-2 rounded-full', dotOf(status, isPaused))} />
        {isPaused && status === 'live' ? 'Paused' : WORDS[status]}
      </span>
      <Button size="sm" variant="ghost" onClick={isPaused ? resume : pause}>
        {isPaused ? <Play /> : <Pause />}
        {isPaused ? 'Resume' : 'Pause'}
      </Button>
      {newCount > 0 && (
        <Button size="sm" variant="primary" onClick={showNew}>
          <ArrowUp /> {countText(newCount)} new
        </Button>
      )}
    </div>
  )
}

function dotOf(status: TailStatus, isPaused: boolean) {
  if (status === 'lost') return 'bg-attention'
  return status === 'live' && !isPaused ? 'bg-ok' : 'bg-idle'
}
