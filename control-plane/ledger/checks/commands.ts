import { isDeepStrictEqual } from 'node:util'
import { usdOfNano } from '@/lib/money'
import { appendAudit } from '../../audit/append'
import type { Context, Services } from '../../context'
import { asSystem } from '../../system'
import { organizationIds } from '../../tenant'
import { BALANCED, checkLedger, IMBALANCE, LEDGER, type LedgerCheck, lastVerdict } from '../queries'

/**
 * Checks the ledger of every organisation. One that does not add up is told once in its activity, and again when the
 * difference becomes another one; so is that it adds up again.
 */
export async function checkLedgers(services: Services, signal: AbortSignal): Promise<void> {
  const failures: unknown[] = []
  for (const orgId of await organizationIds(services.db)) {
    signal.throwIfAborted()
    // One that cannot be read now keeps nobody from looking at the others.
    await asSystem(services, orgId, (ctx) => tellOf(ctx)).catch((thrown: unknown) => failures.push(thrown))
  }
  if (failures.length > 0) throw new AggregateError(failures, `${failures.length} ledgers could not be checked.`)
}

async function tellOf(ctx: Context): Promise<void> {
  const { tx, actor, services } = ctx
  const found = findingOf(await checkLedger(tx, actor.orgId))
  const last = await lastVerdict(tx, actor.orgId)
  const isToldOf = last?.action === IMBALANCE
  if (found === null) {
    if (isToldOf) await appendAudit(ctx, { action: BALANCED, target: LEDGER })
    return
  }
  services.log.error({ org_id: actor.orgId, ...found }, 'the ledger does not add up')
  if (isToldOf && isDeepStrictEqual(last.after, found)) return
  await appendAudit(ctx, { action: IMBALANCE, target: LEDGER, after: found })
}

/** By how much which account is off: that stays the same while the ledger goes on. Null when it adds up. */
function findingOf({ sum, differences }: LedgerCheck) {
  if (sum === 0n && differences.length === 0) return null
  return {
    sum_usd: usdOfNano(sum),
    differences: differences.map(({ account, balance, entries }) => ({
      account,
      difference_usd: usdOfNano(balance - entries),
    })),
  }
}
