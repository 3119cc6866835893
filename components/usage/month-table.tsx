import Link from 'next/link'
import { decimalsOf, moneyText, percentOf, percentText } from '@/components/ui/money'
import { ScrollRegion } from '@/components/ui/scroll-region'
import { isUnknownCost } from './usage-words'

type MonthTableProps = {
  caption: string
  heads: string[]
  /** Of which amounts are shares. */
  whole?: string
  /** A line with `href` leads to what it consists of. */
  rows: {
    id: string
    cells: [name: string, usd: string, count: number | null]
    /** How many of the count have no known price. */
    unpriced?: number
    href?: string | undefined
  }[]
}

export function MonthTable({ caption, heads, whole, rows }: MonthTableProps) {
  const decimals = decimalsOf(rows.map(({ cells }) => cells[1]))
  // At least as long as what stands above them.
  const longest = Math.max(11, ...rows.map(({ cells }) => moneyText(cells[1], decimals).length))
  if (rows.length === 0) return <p className="text-fg-muted text-sm">Nothing.</p>
  return (
    <ScrollRegion aria-label={caption} className="rounded-none border-0">
      <table className="w-full border-separate border-spacing-0 text-sm tabular-nums sm:min-w-[36rem] sm:table-fixed print:min-w-0">
        <caption className="sr-only">{caption}</caption>
        <colgroup>
          <col />
          <col style={{ width: `calc(${longest}ch + 1.5rem)` }} />
          {heads.slice(2).map((head) => (
            <col key={head} className="sm:w-32" />
          ))}
        </colgroup>
        <thead>
          <tr>
            {heads.map((head, at) => (
              <th
                key={head || 'name'}
                scope="col"
                className={`border-b py-1 font-medium text-fg-muted text-xs ${at === 0 ? 'text-left' : 'pl-3 text-right sm:pl-4'}`}
              >
                {head || <span className="sr-only">What</span>}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map(({ id, cells: [name, usd, count], unpriced = 0, href }) => (
            <tr key={id}>
              <th scope="row" className="wrap-anywhere border-b py-1 text-left font-normal">
                {href === undefined ? (
                  name
                ) : (
                  <Link href={href} className="hover:underline">
                    {name}
                  </Link>
                )}
                {unpriced > 0 && (
                  <span className="block text-attention-text text-xs">
                    {unpriced === count
                      ? 'Without a known price'
                      : `${unpriced.toLocaleString('en')} without a known price`}
                  </span>
                )}
              </th>
              <td className="border-b py-1 pl-3 text-right sm:pl-4">
                {isUnknownCost(usd, unpriced) ? 'unknown' : moneyText(usd, decimals)}
              </td>
              <td className="border-b py-1 pl-3 text-right sm:pl-4">
                {count === null ? '' : count.toLocaleString('en')}
              </td>
              {whole !== undefined && (
                <td className="whitespace-nowrap border-b py-1 pl-3 text-right sm:pl-4">
                  {isUnknownCost(usd, unpriced) ? '–' : percentText(percentOf(usd, whole))}
                </td>
              )}
            </tr>
          ))}
        </tbody>
      </table>
    </ScrollRegion>
  )
}
