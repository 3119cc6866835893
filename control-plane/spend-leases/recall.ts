import { LRUCache } from 'lru-cache'
import type { Services } from '../context'
import { connectionOf, type Transaction } from '../database'
import { isWallet, walletId } from '../ledger/accounts'
import { announce } from '../push'
import { periodText } from './lease'
import type { Source } from './sources'

/** Whoever waits asks again within this time; gateways need no more than to be told once. */
const RECALLED_AGAIN_MS = 200
const RECALLED_MAX = 5_000
/** NOTIFY carries less than 8,000 bytes. */
const MESSAGE_CHARACTERS_MAX = 4_000

const told = new WeakMap<Services, LRUCache<string, true>>()

/**
 * Asks the gateways that hold something of these sources to give back what they do not use; also the one that is short, where
 * it holds of a window that was replaced. One that has not been heard of until its lease expired is not asked: its money is
 * held until its time.
 *
 * @returns the sources of which somebody else holds something
 */
export async function recall(
  tx: Transaction,
  services: Services,
  { orgId, gatewayId, instance }: { orgId: string; gatewayId: string; instance: string },
  short: readonly Source[],
): Promise<Set<string>> {
  if (short.length === 0) return new Set()
  const periods = short.flatMap(({ sourceId, periodMs, replaced }) => [
    { sourceId, periodMs, isReplaced: false },
    ...replaced.map(({ startsMs }) => ({ sourceId, periodMs: startsMs, isReplaced: true })),
  ])
  const { rows } = await connectionOf(tx).query<{ source_id: string; gateway_id: string }>({
    name: 'held_by_others',
    text: `select distinct l.source_id, l.gateway_id
      from unnest($2::text[], $3::timestamptz[], $6::boolean[]) as s (source_id, starts_at, is_replaced)
      join spend_leases l on l.org_id = $1 and l.source_id = s.source_id and l.period_starts_at = s.starts_at
      where l.closed_at is null and l.expires_at > now() and (s.is_replaced or l.gateway_id <> $4 or l.instance <> $5)
        and l.granted_nano_usd > l.returned_nano_usd + l.settled_nano_usd + l.released_nano_usd`,
    values: [
      orgId,
      periods.map(({ sourceId }) => sourceId),
      periods.map(({ periodMs }) => periodText(periodMs)),
      gatewayId,
      instance,
      periods.map(({ isReplaced }) => isReplaced),
    ],
  })
  const recent = told.get(services) ?? new LRUCache<string, true>({ max: RECALLED_MAX, ttl: RECALLED_AGAIN_MS })
  told.set(services, recent)
  const held = new Set(rows.map(({ source_id }) => source_id))
  const due = [...held].filter((sourceId) => !recent.has(`${orgId} ${sourceId}`))
  for (const sourceId of due) recent.set(`${orgId} ${sourceId}`, true)
  // Of several processes of one gateway each can hold something.
  const except = rows.some(({ gateway_id }) => gateway_id === gatewayId) ? null : gatewayId
  for (const sources of inMessages(due.map((id) => (isWallet(id) ? walletId(id) : id)))) {
    await announce(tx, { orgId, kind: 'recall', except, sources })
  }
  return held
}

function inMessages(ids: readonly string[]): string[][] {
  const messages: string[][] = []
  let characters = Number.POSITIVE_INFINITY
  for (const id of ids) {
    characters += id.length + 3
    if (characters > MESSAGE_CHARACTERS_MAX) {
      messages.push([])
      characters = id.length + 3
    }
    messages.at(-1)?.push(id)
  }
  return messages
}
