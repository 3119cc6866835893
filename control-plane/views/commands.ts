import { and, count, eq, or } from 'drizzle-orm'
import { users } from '@/drizzle/schema/members'
import { savedViews } from '@/drizzle/schema/views'
import { type views as contract, type SavedView, VIEWS_MAX } from '@/lib/contract/views'
import { AppError } from '@/lib/errors'
import { newId } from '@/lib/ids'
import { appendAudit } from '../audit/append'
import type { Context } from '../context'
import type { Input } from '../routes'
import { toView, type ViewRow } from './queries'

/** Keeps it under its name; one of the member's own of this page with this name is replaced. The same again changes nothing. */
export async function saveView(ctx: Context, input: Input<typeof contract.save>): Promise<SavedView> {
  const { tx, actor, request } = ctx
  const owner = await lockOwner(ctx)
  const { page, name, query, shared } = input
  const mine = and(eq(savedViews.orgId, actor.orgId), eq(savedViews.userId, owner.id))
  const [before] = await tx
    .select()
    .from(savedViews)
    .where(and(mine, eq(savedViews.page, page), eq(savedViews.name, name)))
  if (before?.query === query && before.shared === shared) return toView(before, owner.name, owner.id)
  if (!before) await requireRoom(ctx, owner.id)
  const kept = { query, shared, updatedAt: request.now.toISOString() }
  const [row] = await tx
    .insert(savedViews)
    .values({ orgId: actor.orgId, id: newId('view'), userId: owner.id, page, name, ...kept })
    .onConflictDoUpdate({
      target: [savedViews.orgId, savedViews.userId, savedViews.page, savedViews.name],
      set: kept,
    })
    .returning()
  if (!row) throw new Error('A view that was written was not answered.')
  await appendAudit(ctx, {
    action: 'view.saved',
    target: targetOf(row),
    ...(before ? { before: { page, query: before.query, shared: before.shared } } : {}),
    after: { page, query, shared },
  })
  return toView(row, owner.name, owner.id)
}

/** One's own, or a shared one for whom the organisation may be changed: a view outlives its owner's interest in it. */
export async function deleteView(ctx: Context, { id }: Input<typeof contract.delete>) {
  const { tx, actor } = ctx
  const isMine = actor.memberId === null ? undefined : eq(savedViews.userId, actor.memberId)
  const mayTidy = actor.permissions.has('org:write')
  const reach = or(isMine, mayTidy ? savedViews.shared : undefined)
  const [row] = reach
    ? await tx
        .delete(savedViews)
        .where(and(eq(savedViews.orgId, actor.orgId), eq(savedViews.id, id), reach))
        .returning()
    : []
  if (!row) throw new AppError('not_found', 'There is no such view that you may delete.')
  await appendAudit(ctx, {
    action: 'view.deleted',
    target: targetOf(row),
    before: { page: row.page, query: row.query, shared: row.shared },
  })
  return { id }
}

/** Views of a member change one after another. */
async function lockOwner({ tx, actor }: Context): Promise<{ id: string; name: string }> {
  const member = actor.memberId === null ? undefined : and(eq(users.orgId, actor.orgId), eq(users.id, actor.memberId))
  const [owner] = member
    ? await tx.select({ id: users.id, name: users.name }).from(users).where(member).for('update')
    : []
  if (!owner) throw new AppError('unprocessable', 'Views belong to a member, and this key is of none.')
  return owner
}

async function requireRoom({ tx, actor }: Context, ownerId: string): Promise<void> {
  const [known] = await tx
    .select({ views: count() })
    .from(savedViews)
    .where(and(eq(savedViews.orgId, actor.orgId), eq(savedViews.userId, ownerId)))
  if (known && known.views >= VIEWS_MAX) {
    throw new AppError('unprocessable', `You have ${VIEWS_MAX} views: delete one first.`)
  }
}

const targetOf = ({ id, name }: ViewRow) => ({ type: 'view', id, name })
