import type { ToolCall } from '../engine/subject'

/** Names under which tools take a sum of money. Compared without case, `_` and `-`. */
const AMOUNT_FIELDS = new Set([
  'amount',
  'totalamount',
  'transactionamount',
  'transferamount',
  'paymentamount',
  'orderamount',
  'refundamount',
  'amountusd',
  'total',
])
const VALUES_MAX = 10_000
const DEPTH_MAX = 64

/**
 * The same of a call as it was written. Arguments that are no JSON, or name a field twice, are none that can be read once
 * they could hold an amount: whoever makes the call may be able to.
 */
export function amountOfCall({ arguments: text, parsed }: Pick<ToolCall, 'arguments' | 'parsed'>): number | null {
  const unread = parsed === undefined ? text : typeof parsed === 'string' ? parsed : ''
  return /^\s*[[{"]|amount|total/i.test(unread) ? null : amountOf(parsed)
}

/**
 * How much a call moves, in the unit of its own arguments.
 *
 * Per field name the absolute values are added up, and the largest of these sums counts: a total beside its items is not
 * counted twice, and a split payment is counted whole.
 *
 * @returns 0 when no field names an amount; null when one does and cannot be read as a number
 */
export function amountOf(parsed: unknown): number | null {
  const sums = new Map<string, number>()
  let seen = 0
  const add = (name: string, value: unknown): boolean => {
    const amount = typeof value === 'number' ? value : typeof value === 'string' ? numberOf(value) : Number.NaN
    if (!Number.isFinite(amount)) return false
    sums.set(name, (sums.get(name) ?? 0) + Math.abs(amount))
    return true
  }
  const visit = (value: unknown, depth: number): boolean => {
    if (typeof value !== 'object' || value === null) return true
    if (depth > DEPTH_MAX) return false
    for (const [key, field] of Object.entries(value)) {
      seen += 1
      if (seen > VALUES_MAX) return false
      const name = key.toLowerCase().replace(/[_-]/g, '')
      const isAmount = !Array.isArray(value) && AMOUNT_FIELDS.has(name) && field !== null
      // `amount: {value: 5, currency: "EUR"}` is the other usual way to say it.
      const inner = isAmount && typeof field === 'object' && !Array.isArray(field) ? Reflect.get(field, 'value') : field
      if (isAmount && Array.isArray(inner)) {
        if (!inner.every((item) => add(name, item))) return false
      } else if (isAmount && !add(name, inner)) return false
      if (!isAmount && !visit(field, depth + 1)) return false
    }
    return true
  }
  return visit(parsed, 0) ? Math.max(0, ...sums.values()) : null
}

/** `1,250.00`, `$99`, `EUR 12`; anything that could be read as another number, such as `1e9`, `2k` or `1,5`, is none. */
function numberOf(text: string): number {
  const digits = text.length > 40 ? undefined : WRITTEN_AMOUNT.exec(text.trim())?.[1]
  return digits === undefined ? Number.NaN : Number(digits.replaceAll(',', ''))
}

const WRITTEN_AMOUNT =
  /^(?:[A-Z]{3} ?)?[$€£¥]? ?(-?(?:\d{1,3}(?:,\d{3})+|\d{1,30})(?:\.\d{1,30})?) ?[$€£¥]?(?: ?[A-Z]{3})?$/
