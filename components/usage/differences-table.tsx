import type { z } from 'zod'
import { cn } from '@/components/ui/cn'
import { Difference } from '@/components/ui/difference'
import { decimalsOf, moneyText } from '@/components/ui/money'
import { ScrollRegion } from '@/components/ui/scroll-region'
import type { InvoiceDifference } from '@/lib/contract/usage'

type Row = z.infer<typeof InvoiceDifference>

/** Invoice and ledger beside each other, by model and key. */
export function DifferencesTable({ rows }: { rows: readonly Row[] }) {
  const decimals = decimalsOf(rows.flatMap((row) => [row.invoice_usd, row.ours_usd, row.difference_usd]))
  // What it is looked at for comes first: the others may have to be scrolled to, and on a phone stand below it.
  const heads = ['Model and key', 'Difference', 'Invoice', 'Ledger', 'Requests']
  return (
    <ScrollRegion aria-label="Differences by model and key" className="max-h-[50dvh]">
      <table className="w-full border-separate border-spacing-0 text-sm tabular-nums">
        <caption className="sr-only">Differences by model and key</caption>
        <thead className="sticky top-0">
          <tr>
            {heads.map((head, at) => (
              <th
                key={head}
                scope="col"
                className={cn(
                  'whitespace-nowrap border-b bg-sunken px-3 py-1 font-medium text-fg-muted text-xs',
                  at === 0 ? 'text-left' : 'text-right',
                  at > 1 && 'max-sm:hidden',
                )}
              >
                {head}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={`${row.model} ${row.key}`}>
              <th scope="row" className="wrap-anywhere border-b sm:min-w-36 px-3 py-1 text-left font-normal">
                {row.model || 'No model'}
                <span className="block text-fg-muted text-xs">{row.key || 'no key'}</span>
                <span className="block text-fg-muted text-xs sm:hidden">{requestsText(row.requests)}</span>
              </th>
              <td className="border-b px-3 py-1 text-right">
                <Difference usd={row.difference_usd} decimals={decimals} />
                <span className="block text-fg-muted text-xs sm:hidden">
                  invoice {moneyText(row.invoice_usd, decimals)}
                </span>
                <span className="block text-fg-muted text-xs sm:hidden">
                  ledger {moneyText(row.ours_usd, decimals)}
                </span>
              </td>
              <td className="border-b px-3 py-1 text-right max-sm:hidden">{moneyText(row.invoice_usd, decimals)}</td>
              <td className="border-b px-3 py-1 text-right max-sm:hidden">{moneyText(row.ours_usd, decimals)}</td>
              <td className="border-b px-3 py-1 text-right max-sm:hidden">{row.requests.toLocaleString('en')}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </ScrollRegion>
  )
}

const requestsText = (requests: number) =>
  requests === 1 ? 'one request' : `${requests.toLocaleString('en')} requests`
