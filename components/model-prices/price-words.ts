import type { StatusTone } from '@/components/ui/status-badge'
import type { ModelPrice } from '@/lib/contract/model-pricing'
import { PRICE_UNITS, type PriceSource, type Prices, type PriceUnit } from '@/lib/contract/price-shapes'

export const SOURCE_WORDS: Record<PriceSource, { label: string; means: string; tone: StatusTone }> = {
  target: { label: 'Target', means: 'Stated by a target of a configuration', tone: 'info' },
  override: { label: 'Own', means: "The organization's own price", tone: 'ok' },
  catalogue: { label: 'Public', means: 'From the public catalogue that this release comes with', tone: 'neutral' },
}

/** What a price is for, and of how many. */
export const UNIT_WORDS: Record<PriceUnit, { label: string; per: string }> = {
  input: { label: 'Input', per: '1 M tokens' },
  cached_input: { label: 'Input from the cache', per: '1 M tokens' },
  cache_write: { label: 'Written to the cache', per: '1 M tokens' },
  cache_write_1h: { label: 'Written to the cache for an hour', per: '1 M tokens' },
  input_audio: { label: 'Sound in', per: '1 M tokens' },
  input_image: { label: 'Images in', per: '1 M tokens' },
  output: { label: 'Output', per: '1 M tokens' },
  reasoning: { label: 'Reasoning', per: '1 M tokens' },
  output_audio: { label: 'Sound out', per: '1 M tokens' },
  output_image: { label: 'Images out', per: '1 M tokens' },
  input_characters: { label: 'Text spoken', per: '1 M characters' },
  input_audio_hour: { label: 'Sound transcribed', per: 'hour' },
  request: { label: 'Requests', per: '1,000' },
  web_search: { label: 'Searches', per: '1,000' },
}

/** Prices in the order in which they are always told. */
export const pricesInOrder = (prices: Prices): { unit: PriceUnit; price: string }[] =>
  PRICE_UNITS.flatMap((unit) => {
    const price = prices[unit]
    return price === undefined ? [] : [{ unit, price }]
  })

/** A price as people write it: `1,234.50`, at least two decimals, never rounded. */
export function priceText(price: string): string {
  const [whole = '0', fraction = ''] = price.split('.')
  return `${BigInt(whole).toLocaleString('en')}.${fraction.replace(/0+$/, '').padEnd(2, '0')}`
}

/** A row of the list: a model can have a price of each target beside others. */
export const priceId = ({ source, provider, model, target }: ModelPrice): string =>
  [source, provider, model, target?.configuration_name, target?.configuration_version, target?.target_id]
    .filter((part) => part !== undefined)
    .join('|')

/** A moment or a stretch in the viewer's zone, which is named: prices are often written for midnight in another one. */
export const MOMENT = new Intl.DateTimeFormat('en-GB', {
  day: 'numeric',
  month: 'short',
  year: 'numeric',
  hour: '2-digit',
  minute: '2-digit',
  timeZoneName: 'short',
})
