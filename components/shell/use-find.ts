'use client'

import { useQuery } from '@tanstack/react-query'
import { useDeferredValue } from 'react'
import { budgets } from '@/lib/contract/budgets'
import { gateways } from '@/lib/contract/gateways'
import { tokens } from '@/lib/contract/tokens'
import { wallets } from '@/lib/contract/wallets'
import { api } from '../api'
import { useCan } from './whoami-context'

export type Found = {
  kind: 'key' | 'gateway' | 'event' | 'request' | 'budget' | 'wallet'
  label: string
  note: string
  href: string
}

/** What a name or an id names: keys, gateways, budgets and wallets by part of the name, events and requests by id. */
export function useFind(text: string): { found: Found[]; isFinding: boolean } {
  const wanted = useDeferredValue(text)
  const canTokens = useCan('tokens:read')
  const canGateways = useCan('gateways:read')
  const canEvents = useCan('events:read')
  const maySpend = useCan('spend:read')
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

  const spend = useQuery({
    queryKey: ['find', 'spend'],
    queryFn: ({ signal }) => readSpend(signal),
    enabled: isName && maySpend,
    staleTime: 30_000,
  })

  const lower = wanted.toLowerCase()
  const spendFound = isName
    ? (spend.data ?? [])
        .filter(({ id, label }) => id.includes(lower) || label.toLowerCase().includes(lower))
        .slice(0, 5)
    : []
  const gatewaysFound = isName
    ? (known.data?.items ?? [])
        .filter(({ id, name }) => id.includes(lower) || name.toLowerCase().includes(lower))
        .slice(0, 5)
    : []
  return {
    isFinding: keys.isFetching || known.isLoading || spend.isLoading,
    found: [
      ...(canEvents ? byId(wanted) : []),
      ...(isName ? (keys.data ?? []) : []),
      ...spendFound,
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

/** Budgets and wallets: few enough to be looked through here. */
async function readSpend(signal: AbortSignal): Promise<(Found & { id: string })[]> {
  const [foundBudgets, foundWallets] = await Promise.all([
    api(budgets.list, { limit: 200 }, { signal }),
    api(wallets.list, { limit: 200 }, { signal }),
  ])
  return [
    ...foundBudgets.items.map(({ id, name }) => ({
      id,
      kind: 'budget' as const,
      label: name,
      note: 'budget',
      href: `/budgets?open=${id}`,
    })),
    ...foundWallets.items.map(({ id, name, scope }) => ({
      id,
      kind: 'wallet' as const,
      label: name,
      note: `wallet of ${scope === 'organization' ? 'the organization' : `a ${scope}`}`,
      href: `/wallets?open=${encodeURIComponent(id)}`,
    })),
  ]
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
