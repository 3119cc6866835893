import { LRUCache } from 'lru-cache'
import { BUDGETS_MAX } from '@/lib/contract/budgets'
import { GATEWAY_WALLETS_MAX, type GatewayBudget, type GatewaySpend } from '@/lib/contract/spend-shapes'
import { usdOfNano } from '@/lib/money'
import { nextResets, type Window, type WindowRule, windowAt } from '@/lib/spend/windows'
import type { Transaction } from '../database'
import { connectionOf } from '../database'
import { ORGANIZATION_WALLET, walletId } from '../ledger/accounts'
import { spendSettingsOf } from '../wallets/queries'
import { scopeOf } from './budget-shape'
import { ruleOf } from './ensure-periods'
import { hardBudgets } from './queries'

/** What gateways need to know of budgets and wallets. The same until something is changed or a window begins. */
export async function gatewaySpendOf(tx: Transaction, orgId: string, now: Date): Promise<GatewaySpend> {
  const settings = await spendSettingsOf(tx, orgId)
  const rows = await hardBudgets(tx, orgId, BUDGETS_MAX)
  return {
    revision: await spendRevisionOf(tx, orgId),
    unknown_price: settings.unknown_price,
    unknown_price_usd: settings.unknown_price_usd,
    budgets: rows.map(
      (row): GatewayBudget => ({
        id: row.id,
        name: row.name,
        scope: scopeOf(row),
        limit_usd: usdOfNano(row.limit),
        on_unavailable: row.onUnavailable,
        windows_ms: windowsFrom(ruleOf(row), now.getTime()),
      }),
    ),
    wallets: settings.wallets_required ? await walletIds(tx, orgId) : null,
  }
}

/**
 * Another one after every change of budgets that refuse and of whether wallets have to pay. Read with every answer to a
 * gateway that takes slices, so that one to which no push comes is behind for no longer than until it takes the next.
 */
export async function spendRevisionOf(tx: Transaction, orgId: string): Promise<string> {
  const { rows } = await connectionOf(tx).query<{ revision: string }>({
    name: 'spend_revision',
    text: `select count(*) || '.' || coalesce(sum(version), 0) || '.' || coalesce(${MICROSECONDS('max(updated_at)')}, 0)
        || '.' || coalesce((select ${MICROSECONDS('updated_at')} from spend_settings where org_id = $1), 0) as revision
      from budgets where org_id = $1 and deleted_at is null and hard`,
    values: [orgId],
  })
  const [row] = rows
  if (!row) throw new Error('A count gave no row.')
  return row.revision
}

const MICROSECONDS = (column: string) => `(extract(epoch from ${column}) * 1000000)::bigint`

/** Windows that follow the one that is open: a gateway without a control plane finds its way for so long. */
const WINDOWS_AHEAD = 4
const RULES_MAX = 1_000

/** Calendars are slow to reckon with, and most budgets share a few. */
const known = new LRUCache<string, Window & { starts: number[] }>({ max: RULES_MAX })

/**
 * When the window before the one that is open at that moment began, when that one did, and when the next ones do. The one
 * before is for requests that began in it: they are charged there, so they have to be covered there, also at a gateway whose
 * clock is behind.
 */
export function windowsFrom(rule: WindowRule, nowMs: number): number[] {
  const key = JSON.stringify(rule)
  const cached = known.get(key)
  if (cached && cached.startsMs <= nowMs && (cached.endsMs === null || nowMs < cached.endsMs)) return cached.starts
  const open = windowAt(rule, nowMs)
  const before = open.startsMs === 0 ? [] : [windowAt(rule, open.startsMs - 1).startsMs]
  const starts = [...before, open.startsMs, ...nextResets(rule, nowMs, WINDOWS_AHEAD)]
  known.set(key, { ...open, starts })
  return starts
}

async function walletIds(tx: Transaction, orgId: string): Promise<string[]> {
  const { rows } = await connectionOf(tx).query<{ id: string }>(
    `select id from ledger_accounts where org_id = $1 and kind = 'wallet' and id <> $2 order by id limit $3`,
    [orgId, ORGANIZATION_WALLET, GATEWAY_WALLETS_MAX - 1],
  )
  return [ORGANIZATION_WALLET, ...rows.map(({ id }) => id)].map(walletId)
}
