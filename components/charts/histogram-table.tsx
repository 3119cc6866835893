import { ScrollRegion } from '@/components/ui/scroll-region'
import { VERDICT_LOOK } from '@/components/ui/verdict-badge'
import type { Verdict } from '@/lib/contract/events'
import { bucketText } from './time-bucket'
import type { VerdictBucket } from './verdict-histogram'

type HistogramTableProps = {
  label: string
  buckets: readonly VerdictBucket[]
  bucketSeconds: number
  verdicts: readonly Verdict[]
}

/** The numbers behind the bars; stretches without a request are left out. */
export function HistogramTable({ label, buckets, bucketSeconds, verdicts }: HistogramTableProps) {
  const counted = buckets.filter((bucket) => verdicts.some((verdict) => bucket[verdict] > 0))
  return (
    <ScrollRegion aria-label={`${label}, as a table`} className="h-[calc(132px+1.25rem)] bg-surface">
      <table className="w-full border-separate border-spacing-0 text-sm tabular-nums">
        <caption className="sr-only">{label}</caption>
        <thead className="sticky top-0">
          <tr>
            <th scope="col" className="border-b bg-sunken px-3 py-1 text-left font-medium text-fg-muted text-xs">
              Time
            </th>
            {verdicts.map((verdict) => (
              <th
                key={verdict}
                scope="col"
                className="border-b bg-sunken px-3 py-1 text-right font-medium text-fg-muted text-xs"
              >
                {VERDICT_LOOK[verdict].past}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {counted.map((bucket) => (
            <tr key={bucket.at}>
              <th scope="row" className="whitespace-nowrap border-b px-3 py-1 text-left font-normal">
                {bucketText(Date.parse(bucket.at), Date.parse(bucket.at) + bucketSeconds * 1_000)}
              </th>
              {verdicts.map((verdict) => (
                <td key={verdict} className="border-b px-3 py-1 text-right">
                  {bucket[verdict]}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
      {counted.length === 0 && (
        <p className="px-3 py-4 text-center text-fg-muted text-sm">No requests in this range.</p>
      )}
    </ScrollRegion>
  )
}
