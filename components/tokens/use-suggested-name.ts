'use client'

import { useQuery } from '@tanstack/react-query'
import { type Token, tokens } from '@/lib/contract/tokens'
import { api } from '../api'

/** A dated name that no key of the organisation bears: `gateway-key-2026-11-21`, then `-2`, `-3`. */
export function useSuggestedName(type: Token['token_type']): string {
  const base = `${type}-key-${new Date().toISOString().slice(0, 10)}`
  const { data } = useQuery({
    queryKey: ['tokens', 'names', base],
    queryFn: ({ signal }) => api(tokens.list, { q: base, limit: 200 }, { signal }),
  })
  const taken = new Set(data?.items.map(({ name }) => name))
  if (!taken.has(base)) return base
  let next = 2
  while (taken.has(`${base}-${next}`)) next++
  return `${base}-${next}`
}
