import { ScrollRegion } from '@/components/ui/scroll-region'
import { type Prices, type Tier, tierText } from '@/lib/contract/price-shapes'
import { pricesInOrder, priceText, UNIT_WORDS } from './price-words'

type PriceListProps = { prices: Prices; tiers: readonly Tier[]; currency: string }

/** Every price of a model, and those of its tiers beside them. */
export function PriceList({ prices, tiers, currency }: PriceListProps) {
  const units = pricesInOrder(Object.assign({}, ...tiers.map((tier) => tier.prices), prices))
  return (
    <ScrollRegion aria-label="Prices" className="rounded-none border-0">
      <table className="w-full border-separate border-spacing-0 text-sm tabular-nums">
        <caption className="sr-only">Prices</caption>
        <thead>
          <tr className="text-fg-muted text-xs">
            <th scope="col" className="border-b py-1 text-left font-medium">
              Price
            </th>
            <th scope="col" className="border-b py-1 pl-4 text-right font-medium">
              {currency}
            </th>
            {tiers.map((tier) => (
              <th key={tierText(tier)} scope="col" className="border-b py-1 pl-4 text-right font-medium">
                {tierText(tier)}
              </th>
            ))}
            <th scope="col" className="border-b py-1 pl-4 text-left font-medium">
              Per
            </th>
          </tr>
        </thead>
        <tbody>
          {units.map(({ unit }) => (
            <tr key={unit}>
              <th scope="row" className="border-b py-1 text-left font-normal">
                {UNIT_WORDS[unit].label}
              </th>
              <Price of={prices[unit]} />
              {tiers.map((tier) => (
                <Price key={tierText(tier)} of={tier.prices[unit]} />
              ))}
              <td className="border-b py-1 pl-4 text-fg-muted">{UNIT_WORDS[unit].per}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </ScrollRegion>
  )
}

const Price = ({ of }: { of: string | undefined }) => (
  <td className="border-b py-1 pl-4 text-right">{of === undefined ? '–' : priceText(of)}</td>
)
