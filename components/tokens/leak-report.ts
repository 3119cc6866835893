import type { Activity } from '@/lib/contract/activity'
import type { Token, TokenUsage } from '@/lib/contract/tokens'
import { secretHint, TYPE_WORDS } from './token-words'

type About = { token: Token; since: string; organization: string; madeBy: string; madeAt: string; origin: string }

/** What a leaked gateway key did since a time, as text for a ticket. Times are UTC. */
export const usageReport = (about: About, usage: TokenUsage): string =>
  lines([
    ...head(about),
    `Calls: ${usage.requests}, of them ${usage.blocked} blocked`,
    usage.first_at && `First: ${usage.first_at}`,
    usage.last_at && `Last: ${usage.last_at}`,
    ranked('Models asked for', usage.models),
    ranked('Providers', usage.providers),
    ranked('Addresses', usage.source_ips),
    ranked('Agents', usage.agents),
    `The calls: ${about.origin}${callsPath(about.token, about.since)}`,
  ])

/** What a leaked access key changed since a time. */
export const changesReport = (about: About, changes: readonly Activity[], hasMore: boolean): string =>
  lines([
    ...head(about),
    `Changes: ${changes.length}${hasMore ? ' or more' : ''}; what it only read is not recorded`,
    ...changes.map(
      ({ at, action, target, outcome, ip }) =>
        `  ${at} ${action} ${target.name ?? target.id}${outcome === 'denied' ? ' (denied)' : ''}${ip ? ` from ${ip}` : ''}`,
    ),
    `The changes: ${about.origin}${changesPath(about.token, about.since)}`,
  ])

/** The rows behind the numbers. */
export const callsPath = ({ id }: Token, since: string) =>
  `/history?since=${encodeURIComponent(since)}&filter=${encodeURIComponent(`token_id=${id}`)}`

export const changesPath = ({ id }: Token, since: string) =>
  `/history?view=activity&since=${encodeURIComponent(since)}&filter=${encodeURIComponent(`actor_id=${id}`)}`

const head = ({ token, since, organization, madeBy, madeAt }: About) => [
  `Leaked ${TYPE_WORDS[token.token_type].one}: ${token.name}`,
  `Organization: ${organization}`,
  `Key: ${token.id}, secret ${secretHint(token)}, created ${token.created_at} by ${token.created_by.name}`,
  token.revoked_at ? `Revoked: ${token.revoked_at}` : 'Revoked: no, it still works',
  `Looked at: ${since} to ${madeAt}, by ${madeBy}`,
]

function ranked(title: string, { items, has_more }: TokenUsage['models']): string | null {
  if (items.length === 0) return null
  const rows = items.map(
    ({ name, requests, blocked }) => `${name} ${requests}${blocked > 0 ? ` (${blocked} blocked)` : ''}`,
  )
  return `${title}: ${rows.join(', ')}${has_more ? ', and more' : ''}`
}

const lines = (parts: (string | null)[]) => `${parts.filter((part) => part !== null).join('\n')}\n`
