import Link from 'next/link'
import { decimalsOf, moneyText } from '@/components/ui/money'
import { ScrollRegion } from '@/components/ui/scroll-region'
import { usdOfNano } from '@/lib/money'
import type { UsageBar, UsageSeries } from './usage-bars'
import { type BarLength, stretchText } from './usage-range'
import type { Measure } from './usage-words'

type UsageTableProps = {
  label: string
  series: readonly UsageSeries[]
  bars: readonly UsageBar[]
  measure: Measure
  length: BarLength
  /** Where the requests of a stretch are; undefined for whom they are no affair of. */
  rowsOf: ((span: { since: string; until: string }) => string) | undefined
  before: readonly (bigint | null)[] | undefined
}

/** The numbers behind the bars; stretches without anything are left out. */
export function UsageTable({ label, series, bars, measure, length, rowsOf, before }: UsageTableProps) {
  const used = bars
    .map((bar, at) => ({ bar, before: before?.[at] ?? 0n }))
    .filter((row) => row.bar.total + row.before > 0n)
  const decimals = decimalsOf(used.flatMap(({ bar }) => bar.amounts.map(usdOfNano)))
  const text = (amount: bigint) =>
    measure === 'cost' ? moneyText(usdOfNano(amount), decimals) : amount.toLocaleString('en')
  return (
    <ScrollRegion aria-label={`${label}, as a table`} className="h-[calc(200px+1.25rem)] bg-surface">
      <table className="w-full border-separate border-spacing-0 text-sm tabular-nums">
        <caption className="sr-only">{label}</caption>
        <thead className="sticky top-0">
          <tr>
            <Head className="text-left">Time</Head>
            <Head>All</Head>
            {before && <Head>Before</Head>}
            {series.map(({ id, label: name }) => (
              <Head key={id}>{name}</Head>
            ))}
          </tr>
        </thead>
        <tbody>
          {used.map(({ bar, before: amountBefore }) => {
            const words = stretchText(bar.fromMs, bar.toMs, length)
            const span = { since: new Date(bar.fromMs).toISOString(), until: new Date(bar.toMs).toISOString() }
            return (
              <tr key={bar.fromMs}>
                <th scope="row" className="whitespace-nowrap border-b px-3 py-1 text-left font-normal">
                  {rowsOf ? (
                    <Link href={rowsOf(span)} className="text-accent hover:underline">
                      {words}
                    </Link>
                  ) : (
                    words
                  )}
                </th>
                <td className="border-b px-3 py-1 text-right font-medium">{text(bar.total)}</td>
                {before && <td className="border-b px-3 py-1 text-right text-fg-muted">{text(amountBefore)}</td>}
                {series.map(({ id }, at) => (
                  <td key={id} className="border-b px-3 py-1 text-right">
                    {text(bar.amounts[at] ?? 0n)}
                  </td>
                ))}
              </tr>
            )
          })}
        </tbody>
      </table>
      {used.length === 0 && (
        <p className="px-3 py-4 text-center text-fg-muted text-sm">Nothing was used in this time.</p>
      )}
    </ScrollRegion>
  )
}

const Head = ({ className = 'text-right', children }: { className?: string; children: React.ReactNode }) => (
  <th
    scope="col"
    className={`whitespace-nowrap border-b bg-sunken px-3 py-1 font-medium text-fg-muted text-xs ${className}`}
  >
    {children}
  </th>
)
