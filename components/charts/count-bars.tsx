import { VERDICT_LOOK } from '@/components/ui/verdict-badge'
import { VERDICTS } from '@/lib/contract/events'
import { bucketText } from './time-bucket'
import type { VerdictBucket } from './verdict-histogram'

type CountBarsProps = {
  /** What is counted and over which time. */
  label: string
  buckets: readonly VerdictBucket[]
  bucketSeconds: number
}

/** Counts over time in a strip: blocked ones at the foot, everything else above. The numbers stand in a table elsewhere. */
export function CountBars({ label, buckets, bucketSeconds }: CountBarsProps) {
  const totals = buckets.map((bucket) => VERDICTS.reduce((sum, verdict) => sum + bucket[verdict], 0))
  const max = Math.max(1, ...totals)
  return (
    <div role="img" aria-label={label} className="flex h-12 items-end gap-px border-border-input border-b">
      {buckets.map((bucket, index) => {
        const total = totals[index] ?? 0
        const fromMs = Date.parse(bucket.at)
        return (
          <span
            key={bucket.at}
            title={`${bucketText(fromMs, fromMs + bucketSeconds * 1_000)}: ${total}`}
            className="flex h-full min-w-0 flex-1 flex-col justify-end"
          >
            <Part count={total - bucket.block} max={max} color={VERDICT_LOOK.allow.color} />
            <Part count={bucket.block} max={max} color={VERDICT_LOOK.block.color} />
          </span>
        )
      })}
    </div>
  )
}

const Part = ({ count, max, color }: { count: number; max: number; color: string }) =>
  count > 0 && <span className="min-h-0.5 w-full" style={{ height: `${(count / max) * 100}%`, background: color }} />
