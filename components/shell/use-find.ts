'use client'

import { useQuery } from '@tanstack/react-query'
import { useDeferredValue } from 'react'
import { gateways } from '@/lib/contract/gateways'
import { tokens } from '@/lib/contract/tokens'
import { api } from '../api'
import { useCan } from './whoami-context'

export type Found = { kind: 'key' | 'gateway' | 'event' | 'request'; label: string; note: string; href: string }

/** What a name or an id names: keys and gateways by part of the name, events and requests by id. */
export function useFind(text: string): { found: Found[]; isFinding: boolean } {
  const wanted = useDeferredValue(text)
  const canTokens = useCan('tokens:read')
  const canGateways = useCan('gateways:read')
  const canEvents = useCan('events:read')
  const isName = wanted.length >= 2

  const keys = useQuery({
    queryKey: ['find', 'keys', wanted],
    queryFn: ({ signal }) => findKeys(wanted, signal),
    enabled: isName && canTokens,
  })
  const known = useQuery({
    queryKey: ['find', 'gateways'],
    queryFn: ({ signal }) => api(gateways.list, { limit: 200 }, { signal }),
    enabled: isName && canGateways,
    staleTime: 30_000,
  })

  const lower = wanted.toLowerCase()
  const gatewaysFound = isName
    ? (known.data?.items ?? [])
        .filter(({ id, name }) => id.includes(lower) || name.toLowerCase().includes(lower))
        .slice(0, 5)
    : []
  return {
    isFinding: keys.isFetching || known.isLoading,
    found: [
      ...(canEvents ? byId(wanted) : []),
      ...(isName ? (keys.data ?? []) : []),
      ...gatewaysFound.map(
        ({ id, name, status }): Found => ({
          kind: 'gateway',
          label: name,
          note: status,
          href: `/gateways?open=${encodeURIComponent(id)}`,
        }),
      ),
    ],
  }
}

async function findKeys(text: string, signal: AbortSignal): Promise<Found[]> {
  const items = /^tok_[0-9a-z]{32}$/.test(text)
    ? [await api(tokens.get, { id: text }, { signal })]
    : (await api(tokens.list, { q: text, limit: 6 }, { signal })).items
  return items.map(({ id, name, token_type, status }) => ({
    kind: 'key',
    label: name,
    note: `${token_type} key, ${status}`,
    href: `/settings/${token_type}-keys?open=${id}`,
  }))
}

function byId(text: string): Found[] {
  if (/^evt_[0-9a-f]{32}$/.test(text)) {
    return [{ kind: 'event', label: text, note: 'event', href: `/history?open=${text}` }]
  }
  if (/^req_[0-9a-zA-Z_-]{6,}$/.test(text)) {
    return [
      {
        kind: 'request',
        label: text,
        note: 'request',
        href: `/history?since=30d&filter=${encodeURIComponent(`request_id=${text}`)}`,
      },
    ]
  }
  return []
}
