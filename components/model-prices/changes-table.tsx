import { cn } from '@/components/ui/cn'
import { ScrollRegion } from '@/components/ui/scroll-region'
import type { PriceChange } from '@/lib/contract/model-pricing'
import { PRICE_UNITS, type PriceSource } from '@/lib/contract/price-shapes'
import { MOMENT, priceText, UNIT_WORDS } from './price-words'

/** What becomes of which price: before and after, unit by unit, only where the two differ. */
export function ChangesTable({ changes }: { changes: readonly PriceChange[] }) {
  return (
    <ScrollRegion aria-label="What would change" className="max-h-80">
      <table className="w-full border-separate border-spacing-0 text-sm tabular-nums">
        <caption className="sr-only">What would change</caption>
        <thead className="sticky top-0">
          <tr>
            {['Model', 'From', 'Change'].map((head) => (
              <th
                key={head}
                scope="col"
                className={cn(
                  'border-b bg-sunken px-3 py-1 text-left font-medium text-fg-muted text-xs',
                  head === 'From' && 'max-sm:hidden',
                )}
              >
                {head}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {changes.map((change) => (
            <tr key={`${change.provider} ${change.model} ${change.effective_from}`}>
              <th scope="row" className="border-b px-3 py-1.5 text-left align-top font-normal max-sm:wrap-anywhere">
                {change.model} <span className="text-fg-muted">· {change.provider}</span>
                <span className="block text-fg-muted text-xs sm:hidden">
                  from {MOMENT.format(Date.parse(change.effective_from))}
                </span>
              </th>
              <td className="whitespace-nowrap border-b px-3 py-1.5 align-top max-sm:hidden">
                {MOMENT.format(Date.parse(change.effective_from))}
              </td>
              <td className="w-3/5 border-b px-3 py-1.5 align-top sm:w-2/5">
                <Change change={change} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </ScrollRegion>
  )
}

function Change({ change: { before, after } }: { change: PriceChange }) {
  if (!after) return 'The own price is taken away.'
  // What was in force is told in US dollars. An amount in another currency is another one, even of the same figures.
  const isDollars = after.currency === DOLLARS
  const differing = PRICE_UNITS.filter((unit) => {
    const [from, to] = [before?.prices[unit], after.prices[unit]]
    return isDollars || from === undefined || to === undefined ? !isSame(from, to) : true
  })
  const hasTiers = (before?.tiers.length ?? 0) + after.tiers.length > 0
  const tiersDiffer = hasTiers && !(isDollars && JSON.stringify(before?.tiers ?? []) === JSON.stringify(after.tiers))
  if (differing.length === 0 && !tiersDiffer) return <span className="text-fg-muted">No difference.</span>
  return (
    <ul>
      {differing.map((unit) => (
        <li key={unit}>
          <span className="text-fg-muted">{UNIT_WORDS[unit].label}:</span>{' '}
          {amount(before?.prices[unit], !isDollars && DOLLARS)} →{' '}
          <span className="whitespace-nowrap font-medium">
            {amount(after.prices[unit], !isDollars && after.currency)}
          </span>{' '}
          {isDollars && <Percent before={before?.prices[unit]} after={after.prices[unit]} />}
        </li>
      ))}
      {tiersDiffer && <li>{after.tiers.length === 0 ? 'No tiers any more' : `${after.tiers.length} tiers`}</li>}
      <li className="text-fg-muted text-xs">
        {isDollars && `${DOLLARS}, `}
        {before ? BEFORE_WORDS[before.source] : 'unknown until now'}
      </li>
    </ul>
  )
}

const DOLLARS = 'USD'

const BEFORE_WORDS: Record<PriceSource, string> = {
  target: 'until now stated by a target',
  override: 'until now an own price',
  catalogue: 'until now the public price',
}

const amount = (price: string | undefined, currency: string | false) =>
  price === undefined ? 'none' : [priceText(price), currency].filter(Boolean).join(' ')

const isSame = (a: string | undefined, b: string | undefined) =>
  a === b || (a !== undefined && b !== undefined && priceText(a) === priceText(b))

function Percent({ before, after }: { before: string | undefined; after: string | undefined }) {
  const [from, to] = [Number(before), Number(after)]
  if (!(from > 0) || !(to >= 0)) return null
  const change = ((to - from) / from) * 100
  return (
    <span className="whitespace-nowrap text-fg-muted text-xs">
      {change > 0 ? '+' : '−'}
      {Math.abs(change).toLocaleString('en', { maximumFractionDigits: 1 })} %
    </span>
  )
}
