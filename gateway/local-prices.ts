import type { CompiledConfig } from '@/lib/policy/compile'
import { PriceBook } from '@/lib/prices/price-book'

/** The public prices of the providers of a configuration, for a gateway that no control plane tells any. */
export async function localPrices({ targets }: CompiledConfig): Promise<PriceBook> {
  // Loaded only here: it is large, and a gateway with a control plane does not need it.
  const { catalogue } = await import('@/lib/prices/catalogue')
  const { version, rows } = catalogue()
  const providers = new Set(targets.map(({ provider }) => provider))
  return new PriceBook({ version, rows: rows.filter(({ provider }) => providers.has(provider)) })
}
