'use client'

import { parseAsString, parseAsStringLiteral, useQueryStates } from 'nuqs'
import type { Token } from '@/lib/contract/tokens'
import type { TokenFilter } from './token-queries'

export const STATUS_LABELS = {
  live: 'Live',
  active: 'Active',
  expiring: 'Expiring in 7 days',
  rotating: 'Rotating',
  expired: 'Expired',
  revoked: 'Revoked',
} as const

export const ATTENTION_LABELS = {
  never_used: 'Never used',
  no_expiry: 'No expiry',
  no_model_limit: 'No model limit',
} as const

const keysOf = <T extends object>(labels: T) => Object.keys(labels) as (keyof T & string)[]

const parsers = {
  q: parseAsString.withDefault(''),
  status: parseAsStringLiteral(keysOf(STATUS_LABELS)),
  facet: parseAsStringLiteral(keysOf(ATTENTION_LABELS)),
}

/** The filter of a key page. It lives in the URL only, so a link, a reload and the back button show the same rows. */
export function useTokenFilter(type: Token['token_type']) {
  const [{ q, status, facet }, setFilter] = useQueryStates(parsers)
  const text = q.trim().slice(0, 200)
  const filter: TokenFilter = { type, q: text || undefined, status: status ?? undefined, facet: facet ?? undefined }
  return {
    filter,
    q,
    status,
    facet,
    setFilter,
    isFiltered: Boolean(text || status || facet),
    clear: () => void setFilter({ q: null, status: null, facet: null }),
  }
}
