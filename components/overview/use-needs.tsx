'use client'

import { useQuery } from '@tanstack/react-query'
import type { ReactNode } from 'react'
import { Projection } from '@/components/budgets/budget-columns'
import { budgetQueries } from '@/components/budgets/budget-queries'
import { isUsedUp, needsPerson, standingOf } from '@/components/budgets/budget-words'
import { useCan } from '@/components/shell/whoami-context'
import { moneyText, percentText } from '@/components/ui/money'
import { RelativeTime } from '@/components/ui/relative-time'
import type { StatusTone } from '@/components/ui/status-badge'
import type { Budget } from '@/lib/contract/budgets'
import type { Gateway } from '@/lib/contract/gateways'
import type { Token } from '@/lib/contract/tokens'
import { overviewQueries } from './overview-queries'

/** One thing that needs a person. */
export type Need = {
  id: string
  href: string
  title: string
  tone: StatusTone
  standing: string
  words: ReactNode
}

/** A digest is signed at each full hour; what waits for longer than this was not signed when it was due. */
const UNSIGNED_SECONDS_MAX = 2 * 3_600

type Needs = {
  /** All of it that the viewer may read, the worst first. */
  needs: Need[]
  /** What could not be read, and so is not said to be well. */
  unread: { what: string; retry: () => void }[]
}

export function useNeeds(): Needs {
  const trail = useQuery({ ...overviewQueries.trail(), enabled: useCan('trail:read') })
  const quarantine = useQuery({ ...overviewQueries.quarantine(), enabled: useCan('events:read') })
  const gateways = useQuery({ ...overviewQueries.gateways(), enabled: useCan('gateways:read') })
  const budgets = useQuery({ ...budgetQueries.many(), enabled: useCan('spend:read') })
  const keys = useQuery({ ...overviewQueries.expiringKeys(), enabled: useCan('tokens:read') })
  const needs = [
    ...(trail.data ? ofTrail(trail.data) : []),
    ...(quarantine.data ? ofQuarantine(quarantine.data.waiting) : []),
    ...(gateways.data?.items ?? []).flatMap(ofGateway),
    ...(budgets.data?.items ?? []).filter(needsPerson).toSorted(byUse).map(ofBudget),
    ...(keys.data ? ofKeys(keys.data.items, keys.data.next_cursor !== null) : []),
  ]
  const asked = [
    { what: 'trail', query: trail },
    { what: 'quarantine', query: quarantine },
    { what: 'gateways', query: gateways },
    { what: 'budgets', query: budgets },
    { what: 'keys', query: keys },
  ]
  return {
    needs: [...needs.filter(({ tone }) => tone === 'bad'), ...needs.filter(({ tone }) => tone !== 'bad')],
    unread: asked
      .filter(({ query }) => query.isError && query.data === undefined)
      .map(({ what, query }) => ({ what, retry: () => void query.refetch() })),
  }
}

type TrailStatus = { alarm: { message: string } | null; undigested: number; lag_seconds: number }

function ofTrail({ alarm, undigested, lag_seconds }: TrailStatus): Need[] {
  const trail = { id: 'trail', href: '/trail', title: 'Trail' }
  if (alarm) return [{ ...trail, tone: 'bad', standing: 'Alarm', words: alarm.message }]
  if (undigested === 0 || lag_seconds < UNSIGNED_SECONDS_MAX) return []
  const hours = Math.floor(lag_seconds / 3_600)
  const words = `${countWords(undigested, 'record waits', 'records wait')} for a digest, the oldest for ${hours} hours`
  return [{ ...trail, tone: 'attention', standing: 'Not signed', words }]
}

function ofQuarantine(waiting: number): Need[] {
  if (waiting === 0) return []
  const words = `${countWords(waiting, 'event', 'events')} could not be recorded and ${waiting === 1 ? 'waits' : 'wait'} to be looked at`
  const href = '/history?view=quarantine'
  return [{ id: 'quarantine', href, title: 'Quarantine', tone: 'attention', standing: 'Waiting', words }]
}

function ofGateway({ id, name, status, last_error, last_seen_at }: Gateway): Need[] {
  if (status !== 'offline' && status !== 'degraded') return []
  return [
    {
      id: `gateway ${id}`,
      href: `/gateways?open=${encodeURIComponent(id)}`,
      title: name,
      tone: status === 'offline' ? 'bad' : 'attention',
      standing: status === 'offline' ? 'Gateway offline' : 'Gateway degraded',
      words: (
        <>
          last seen <RelativeTime at={last_seen_at} none="never" />
          {last_error && `: ${last_error.message}`}
        </>
      ),
    },
  ]
}

const byUse = (a: Budget, b: Budget) => standingOf(b).percent - standingOf(a).percent

function ofBudget(budget: Budget): Need {
  const { id, name, current } = budget
  const { tone, label, percent } = standingOf(budget)
  return {
    id,
    href: `/budgets?open=${id}`,
    title: name,
    tone,
    standing: label,
    words: (
      <>
        <span className="text-fg">
          {percentText(percent)}: {moneyText(current.committed_usd)} of {moneyText(current.limit_usd)}
        </span>
        {current.projected_exhaustion_at && !isUsedUp(budget) ? (
          <>
            {' · '}
            <Projection budget={budget} />
          </>
        ) : (
          current.resets_at && (
            <>
              {' · resets '}
              <RelativeTime at={current.resets_at} />
            </>
          )
        )}
      </>
    ),
  }
}

/** Keys of both kinds stand on pages of their own. */
function ofKeys(keys: readonly Token[], hasMore: boolean): Need[] {
  return (['gateway', 'access'] as const).flatMap((type) => {
    const found = keys
      .filter(({ token_type }) => token_type === type)
      .toSorted((a, b) => (a.expires_at ?? '').localeCompare(b.expires_at ?? ''))
    const [first] = found
    if (!first) return []
    const more = found.length - 1
    return [
      {
        id: `${type} keys`,
        href:
          found.length === 1 && !hasMore
            ? `/settings/${type}-keys?open=${first.id}`
            : `/settings/${type}-keys?status=expiring`,
        title: first.name,
        tone: 'attention' as const,
        standing: `${type === 'gateway' ? 'Gateway key' : 'Access key'} expires`,
        words: (
          <>
            <RelativeTime at={first.expires_at} />
            {(more > 0 || hasMore) && `, and ${hasMore ? 'others' : countWords(more, 'other', 'others')} within 7 days`}
          </>
        ),
      },
    ]
  })
}

const countWords = (count: number, one: string, many: string) =>
  `${count.toLocaleString('en')} ${count === 1 ? one : many}`
