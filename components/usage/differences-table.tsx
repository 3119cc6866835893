import type { z } from 'zod'
import { Difference } from '@/components/ui/difference'
import { decimalsOf, moneyText } from '@/components/ui/money'
import { ScrollRegion } from '@/components/ui/scroll-region'
import type { InvoiceDifference } from '@/lib/contract/usage'

type Row = z.infer<typeof InvoiceDifference>

/** Invoice and ledger beside each other, by model and key. */
export function DifferencesTable({ rows }: { rows: readonly Row[] }) {
  const decimals = decimalsOf(rows.flatMap((row) => [row.invoice_usd, row.ours_usd, row.difference_usd]))
  // What it is looked at for comes first: the others may have to be scrolled to.
  const heads = ['Model and key', 'Difference', 'Invoice', 'Ledger', 'Requests']
  return (
    <ScrollRegion aria-label="Differences by model and key" className="max-h-80">
      <table className="w-full border-separate border-spacing-0 text-sm tabular-nums">
        <caption className="sr-only">Differences by model and key</caption>
        <thead className="sticky top-0">
          <tr>
            {heads.map((head, at) => (
              <th
                key={head}
                scope="col"
                className={`whitespace-nowrap border-b bg-sunken px-3 py-1 font-medium text-fg-muted text-xs ${at === 0 ? 'text-left' : 'text-right'}`}
              >
                {head}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={`${row.model} ${row.key}`}>
              <th scope="row" className="wrap-anywhere min-w-36 border-b px-3 py-1 text-left font-normal">
                {row.model || 'No model'}
                <span className="block text-fg-muted text-xs">{row.key || 'no key'}</span>
              </th>
              <td className="border-b px-3 py-1 text-right">
                <Difference usd={row.difference_usd} decimals={decimals} />
              </td>
              <td className="border-b px-3 py-1 text-right">{moneyText(row.invoice_usd, decimals)}</td>
              <td className="border-b px-3 py-1 text-right">{moneyText(row.ours_usd, decimals)}</td>
              <td className="border-b px-3 py-1 text-right">{row.requests.toLocaleString('en')}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </ScrollRegion>
  )
}
