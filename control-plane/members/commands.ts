import { and, asc, eq, isNull, or } from 'drizzle-orm'
import { sessions, users } from '@/drizzle/schema/members'
import type { Member, members } from '@/lib/contract/members'
import { ROLES, type RoleId } from '@/lib/contract/permissions'
import { AppError } from '@/lib/errors'
import { newId } from '@/lib/ids'
import { appendAudit } from '../audit/append'
import { changesBetween } from '../audit/changes'
import { hashPassword } from '../auth/password'
import type { Context } from '../context'
import type { Input } from '../routes'
import { toMember, type UserRow } from './queries'

export async function createMember(ctx: Context, input: Input<typeof members.create>): Promise<Member> {
  const { tx, actor } = ctx
  assertMayAssign(ctx, input.role_id)
  const passwordHash = input.password === undefined ? null : await hashPassword(input.password)
  const [row] = await tx
    .insert(users)
    .values({
      orgId: actor.orgId,
      id: newId('usr'),
      email: input.email.toLowerCase(),
      name: input.name,
      roleId: input.role_id,
      passwordHash,
    })
    .onConflictDoNothing()
    .returning()
  if (!row) {
    throw new AppError('name_taken', 'There is a member with this e-mail address already.', {
      errors: [{ path: 'email', message: 'belongs to a member already' }],
    })
  }
  const member = toMember(row)
  await appendAudit(ctx, {
    action: 'member.created',
    target: { type: 'member', id: row.id, name: row.name },
    after: { email: member.email, name: member.name, role_id: member.role_id },
  })
  return member
}

/** Acts on the member's next request. Disabling ends all their sessions. */
export async function updateMember(ctx: Context, input: Input<typeof members.update>): Promise<Member> {
  const { tx, actor, request } = ctx
  const row = await lockMember(ctx, input.id)
  const before = toMember(row)
  const isStronger = input.role_id !== undefined || input.disabled !== undefined
  // A role above one's own can neither be given nor taken away.
  if (isStronger) assertMayAssign(ctx, row.roleId)
  if (input.role_id !== undefined) assertMayAssign(ctx, input.role_id)

  const wanted = {
    name: input.name ?? row.name,
    roleId: input.role_id ?? row.roleId,
    disabledAt: disabledAt(row, input.disabled, request.now),
  }
  await assertOwnerRemains(ctx, row, wanted)
  const mine = and(eq(users.orgId, actor.orgId), eq(users.id, row.id))
  const member = toMember({ ...row, ...wanted })
  const changes = changesBetween(before, member)
  if (!changes) return before
  await tx.update(users).set(wanted).where(mine)
  if (member.disabled && !before.disabled) {
    await tx
      .update(sessions)
      .set({ revokedAt: request.now.toISOString() })
      .where(and(eq(sessions.orgId, actor.orgId), eq(sessions.userId, row.id), isNull(sessions.revokedAt)))
  }
  await appendAudit(ctx, {
    action: 'member.updated',
    target: { type: 'member', id: row.id, name: member.name },
    ...changes,
  })
  return member
}

/** Locks the owners too, in one order: two owners who remove each other at once must not both succeed. */
async function lockMember({ tx, actor }: Context, id: string): Promise<UserRow> {
  const rows = await tx
    .select()
    .from(users)
    .where(and(eq(users.orgId, actor.orgId), or(eq(users.id, id), eq(users.roleId, 'role_owner'))))
    .orderBy(asc(users.id))
    .for('update')
  const row = rows.find((user) => user.id === id)
  if (!row) throw new AppError('not_found', 'There is no such member.')
  return row
}

async function assertOwnerRemains(
  { tx, actor }: Context,
  row: UserRow,
  wanted: { roleId: RoleId; disabledAt: string | null },
): Promise<void> {
  const wasOwner = row.roleId === 'role_owner' && row.disabledAt === null
  const staysOwner = wanted.roleId === 'role_owner' && wanted.disabledAt === null
  if (!wasOwner || staysOwner) return
  const owners = await tx
    .select({ id: users.id })
    .from(users)
    .where(and(eq(users.orgId, actor.orgId), eq(users.roleId, 'role_owner'), isNull(users.disabledAt)))
    .limit(2)
  if (owners.length < 2) throw new AppError('conflict', 'This is the last owner. Make somebody else an owner first.')
}

function disabledAt({ disabledAt: since }: UserRow, disabled: boolean | undefined, now: Date): string | null {
  if (disabled === undefined) return since
  return disabled ? (since ?? now.toISOString()) : null
}

function assertMayAssign({ actor }: Context, roleId: RoleId): void {
  const missing = (ROLES[roleId]?.permissions ?? []).filter((permission) => !actor.permissions.has(permission))
  if (missing.length === 0) return
  throw new AppError('forbidden', `The role ${roleId} is wider than your own; you lack ${missing.join(', ')}.`)
}
