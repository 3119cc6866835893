import { and, eq } from 'drizzle-orm'
import { spendLeases } from '@/drizzle/schema/budgets'
import type { budgets as contract } from '@/lib/contract/budgets'
import { AppError } from '@/lib/errors'
import { usdOfNano } from '@/lib/money'
import { appendAudit } from '../audit/append'
import { lockCounters } from '../budgets/commands'
import type { Context } from '../context'
import type { Input } from '../routes'
import { releaseDue } from './release'

/** Takes back what a gateway holds that was not heard of any more. Asked twice, nothing is left to take. */
export async function releaseHeld(ctx: Context, { id, reason }: Input<typeof contract.releaseHeld>) {
  const { tx, actor, request } = ctx
  if (actor.scope === 'team') throw new AppError('forbidden', 'A key of a team takes nothing back from gateways.')
  await lockCounters(ctx)
  const [lease] = await tx
    .select()
    .from(spendLeases)
    .where(and(eq(spendLeases.orgId, actor.orgId), eq(spendLeases.id, id)))
  if (!lease) throw new AppError('not_found', 'There is no such lease.')
  const nowMs = request.now.getTime()
  if (Date.parse(lease.expiresAt) > nowMs) {
    throw new AppError('conflict', `Gateway ${lease.gatewayId} uses it until ${lease.expiresAt}.`)
  }
  const isWallet = lease.sourceId.startsWith('wallet:')
  const due = { id, sourceId: lease.sourceId, periodMs: isWallet ? null : Date.parse(lease.periodStartsAt) }
  const released = await releaseDue(tx, actor.orgId, [due], nowMs, { early: true })
  if (released > 0n) {
    await appendAudit(ctx, {
      action: 'spend_lease.released',
      target: { type: 'spend_lease', id },
      before: { gateway_id: lease.gatewayId, source_id: lease.sourceId, held_until: lease.heldUntil },
      after: { released_usd: usdOfNano(released), reason },
    })
  }
  return { lease_id: id, released_usd: usdOfNano(released) }
}
