import { cn } from '@/components/ui/cn'
import type { DecisionEvent } from '@/lib/contract/events'
import { countText, durationText } from './event-words'
import { type Span, waterfall } from './waterfall'

const LOOK: Record<Span['kind'], string> = {
  gateway: 'bg-idle',
  attempt: 'bg-accent',
  failed: 'bg-block',
  pause: 'border border-border-input border-dashed',
  wait: 'bg-flag',
  stream: 'bg-allow',
}

const COLUMNS =
  'grid grid-cols-[minmax(7rem,13rem)_1fr_4rem_4.5rem] items-start gap-x-2 text-xs max-sm:grid-cols-[1fr_4rem_4.5rem]'

/** Where the time went: each stretch as a bar on the line of the whole request, with its numbers beside it. */
export function AttemptWaterfall({ event }: { event: DecisionEvent }) {
  const { attempts, latency, cache } = event
  return (
    <div className="flex flex-col gap-2">
      <p className="text-fg-muted text-sm">{attemptsText(attempts.length, cache.hit)}</p>
      <div className={cn(COLUMNS, 'text-fg-muted')} aria-hidden>
        <span>What</span>
        <span className="max-sm:hidden" />
        <span className="text-right">Starts</span>
        <span className="text-right">Takes</span>
      </div>
      <ul className="flex flex-col gap-2">
        {waterfall(event).map((span) => (
          <li key={`${span.kind} ${span.label} ${span.startMs}`} className={COLUMNS}>
            <span className="min-w-0">
              <span className={cn('block break-words', span.kind === 'failed' && 'font-medium text-bad-text')}>
                {span.label}
              </span>
              {span.note && <span className="block break-words text-fg-muted">{span.note}</span>}
            </span>
            <Bar span={span} totalMs={latency.total_ms} />
            <span className="text-right text-fg-muted tabular-nums">
              <span className="sr-only">starts at </span>
              {durationText(span.startMs)}
            </span>
            <span className="text-right tabular-nums">
              <span className="sr-only">takes </span>
              {durationText(span.lengthMs)}
            </span>
          </li>
        ))}
        <li className={cn(COLUMNS, 'border-t pt-1.5 font-medium')}>
          <span>Total</span>
          <span className="max-sm:hidden" />
          <span />
          <span className="text-right tabular-nums">{durationText(latency.total_ms)}</span>
        </li>
      </ul>
    </div>
  )
}

/** On a narrow screen it takes a line of its own. */
const Bar = ({ span, totalMs }: { span: Span; totalMs: number }) => (
  <span aria-hidden className="relative mt-0.5 h-3 rounded-md bg-sunken max-sm:order-last max-sm:col-span-3">
    <span
      className={cn('absolute inset-y-0 min-w-0.5 rounded-md', LOOK[span.kind])}
      style={{ left: share(span.startMs, totalMs), width: share(span.lengthMs, totalMs) }}
    />
  </span>
)

function attemptsText(count: number, isCacheHit: boolean): string {
  if (count > 1) return `${countText(count)} attempts, one after the other, until one answered or none was left.`
  if (count === 1) return 'One attempt.'
  return isCacheHit ? 'Nothing was called: the answer came from the cache.' : 'Nothing was called upstream.'
}

const share = (ms: number, totalMs: number) => (totalMs > 0 ? `${Math.min(100, (ms / totalMs) * 100)}%` : '0%')
