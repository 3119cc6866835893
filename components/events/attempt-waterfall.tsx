import { cn } from '@/components/ui/cn'
import type { DecisionEvent } from '@/lib/contract/events'
import { durationText } from './event-words'
import { type Span, waterfall } from './waterfall'

const LOOK: Record<Span['kind'], string> = {
  gateway: 'bg-idle',
  attempt: 'bg-accent',
  failed: 'bg-block',
  wait: 'bg-flag',
  stream: 'bg-allow',
}

/** Where the time went: each stretch as a bar on the line of the whole request, with its numbers beside it. */
export function AttemptWaterfall({ event }: { event: DecisionEvent }) {
  const { total_ms } = event.latency
  return (
    <div className="flex flex-col gap-2">
      {event.attempts.length === 0 && <p className="text-fg-muted text-sm">No provider was called.</p>}
      <ul className="flex flex-col gap-1.5">
        {waterfall(event).map((span) => (
          <li
            key={`${span.kind} ${span.label} ${span.startMs}`}
            className="grid grid-cols-[minmax(6rem,9rem)_1fr_5rem] items-center gap-2 text-xs"
          >
            <span className="min-w-0">
              <span className="block truncate">{span.label}</span>
              {span.note && <span className="block break-words text-fg-muted">{span.note}</span>}
            </span>
            <span aria-hidden className="relative h-3 rounded-md bg-sunken">
              <span
                className={cn('absolute inset-y-0 min-w-0.5 rounded-md', LOOK[span.kind])}
                style={{ left: share(span.startMs, total_ms), width: share(span.lengthMs, total_ms) }}
              />
            </span>
            <span className="text-right tabular-nums">{durationText(span.lengthMs)}</span>
          </li>
        ))}
        <li className="grid grid-cols-[minmax(6rem,9rem)_1fr_5rem] items-center gap-2 border-t pt-1.5 font-medium text-xs">
          <span>Total</span>
          <span />
          <span className="text-right tabular-nums">{durationText(total_ms)}</span>
        </li>
      </ul>
    </div>
  )
}

const share = (ms: number, totalMs: number) => (totalMs > 0 ? `${Math.min(100, (ms / totalMs) * 100)}%` : '0%')
