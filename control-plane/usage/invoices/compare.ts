import type { z } from 'zod'
import { INVOICE_DIFFERENCES_MAX, type InvoiceDifference } from '@/lib/contract/usage'
import { type NanoUsd, NO_MONEY, nanoUsd, usdOfNano } from '@/lib/money'
import { modelNames } from './model-names'
import type { InvoiceLine } from './read-invoice'

/** What was recorded of one model and key. */
export type OurLine = InvoiceLine & { requests: number }
export type Difference = z.infer<typeof InvoiceDifference>

type Sum = { invoice: NanoUsd; ours: NanoUsd; requests: number }
type Row = Sum & { model: string; key: string }

/**
 * An invoice beside what was recorded, by model and key, the largest differences first.
 *
 * Models are the same when their names are, but for dates of versions and the order of words. Keys are the same when their names
 * are. Of a model, keys that only one side names are compared with each other: one key of the invoice with all of ours, several
 * as one row without a key. An invoice that names no models, or no keys, is compared without them.
 */
export function compareInvoice(
  lines: readonly InvoiceLine[],
  ours: readonly OurLine[],
  byMeters: boolean,
): Difference[] {
  const hasModels = lines.some(({ model }) => model !== '')
  const hasKeys = lines.some(({ key }) => key !== '')
  const models = new Map<string, { theirs: Map<string, Sum>; ours: Map<string, Sum> }>()
  const sideOf = (model: string, side: 'theirs' | 'ours') => {
    const known = models.get(model) ?? { theirs: new Map(), ours: new Map() }
    models.set(model, known)
    return known[side]
  }
  const nameOf = modelNames(byMeters)
  for (const { model, key, amount, requests } of ours) {
    add(sideOf(hasModels ? nameOf(model) : '', 'ours'), hasKeys ? key : '', {
      invoice: NO_MONEY,
      ours: amount,
      requests,
    })
  }
  for (const { model, key, amount } of lines) {
    add(sideOf(hasModels ? nameOf(model) : '', 'theirs'), key, { invoice: amount, ours: NO_MONEY, requests: 0 })
  }
  const rows = [...models].flatMap(([model, { theirs, ours }]) =>
    rowsOf(theirs, ours).map((row) => ({ model, ...row })),
  )
  rows.sort((a, b) => {
    const [left, right] = [sizeOf(a), sizeOf(b)]
    return left === right ? (`${a.model} ${a.key}` < `${b.model} ${b.key}` ? -1 : 1) : left < right ? 1 : -1
  })
  const shown = rows.slice(0, INVOICE_DIFFERENCES_MAX - 1)
  const others = rows.slice(shown.length)
  const rest = others.length > 0 ? [{ ...others.reduce(plus), model: '*', key: '*' }] : []
  return [...shown, ...rest].map(told)
}

const told = ({ model, key, invoice, ours, requests }: Row): Difference => ({
  model,
  key,
  invoice_usd: usdOfNano(invoice),
  ours_usd: usdOfNano(ours),
  difference_usd: usdOfNano(invoice - ours),
  requests,
})

const sizeOf = ({ invoice, ours }: Sum) => (invoice > ours ? invoice - ours : ours - invoice)

const plus = <S extends Sum>(a: S, b: Sum): S => ({
  ...a,
  invoice: nanoUsd(a.invoice + b.invoice),
  ours: nanoUsd(a.ours + b.ours),
  requests: a.requests + b.requests,
})

function add(sums: Map<string, Sum>, key: string, sum: Sum): void {
  const known = sums.get(key)
  sums.set(key, known ? plus(known, sum) : sum)
}

function rowsOf(theirs: Map<string, Sum>, ours: Map<string, Sum>): (Sum & { key: string })[] {
  const rows: (Sum & { key: string })[] = []
  const left = new Map([...ours].map(([key, sum]) => [key.toLowerCase(), { key, sum }]))
  const unmatched: [string, Sum][] = []
  for (const [key, sum] of theirs) {
    const own = left.get(key.toLowerCase())
    left.delete(key.toLowerCase())
    if (own) rows.push({ key, ...plus(sum, own.sum) })
    else unmatched.push([key, sum])
  }
  const ourRest = [...left.values()]
  const [first] = unmatched
  if (!first || ourRest.length === 0) {
    return [
      ...rows,
      ...unmatched.map(([key, sum]) => ({ key, ...sum })),
      ...ourRest.map(({ key, sum }) => ({ key, ...sum })),
    ]
  }
  const together = [...unmatched.map(([, sum]) => sum), ...ourRest.map(({ sum }) => sum)].reduce(plus)
  return [...rows, { key: unmatched.length === 1 ? first[0] : '', ...together }]
}
