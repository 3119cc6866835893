import { GATEWAY_RUNTIME_PERMISSIONS, type Permission, ROLES, type RoleId } from '@/lib/contract/permissions'
import { AppError } from '@/lib/errors'
import type { Actor } from '../context'

type Grant = { tokenType: string; purpose: string; roleId: RoleId | null; permissions: readonly Permission[] }

/** What a key does not get unless it is asked for: the means to widen itself or others, money, and what people wrote. */
const NOT_BY_DEFAULT: Permission[] = [
  'tokens:write',
  'members:write',
  'settings:write',
  'org:write',
  'org:billing',
  'payloads:read',
  'payloads:erase',
  'holds:write',
  'events:quarantine',
]

export const defaultPermissions = (actor: Actor): Permission[] =>
  [...actor.permissions].filter((permission) => !NOT_BY_DEFAULT.includes(permission))

/**
 * Nobody hands out more than they hold, be it with a new key or with a new secret for an existing one.
 * The key of a gateway process speaks for that gateway, so whoever may manage gateways may make one.
 *
 * @throws AppError `forbidden` naming what is missing
 */
export function assertMayGrant(actor: Actor, grant: Grant): void {
  const missing = [...requiredFor(grant)].filter((permission) => !actor.permissions.has(permission))
  if (missing.length === 0) return
  throw new AppError('forbidden', `A key never allows more than its creator may do; you lack ${missing.join(', ')}.`)
}

type Owned = { createdById: string; createdByName: string; ownerId: string | null }

/**
 * A key is changed, rotated and revoked by whoever made it; everybody else's keys need `settings:write`.
 *
 * @throws AppError `forbidden` naming the creator
 */
export function assertMayManage(actor: Actor, { createdById, createdByName, ownerId }: Owned): void {
  const isOwn = createdById === actor.id || (ownerId !== null && ownerId === actor.memberId)
  if (isOwn || actor.permissions.has('settings:write')) return
  throw new AppError('forbidden', `${createdByName} made this key; changing it needs the permission settings:write.`)
}

function requiredFor({ tokenType, purpose, roleId, permissions }: Grant): Set<Permission> {
  if (tokenType === 'gateway') return new Set()
  if (purpose === 'gateway_runtime') return new Set(['gateways:write'])
  return new Set([...permissions, ...(roleId ? (ROLES[roleId]?.permissions ?? []) : [])])
}

export const RUNTIME_PERMISSIONS: Permission[] = [...GATEWAY_RUNTIME_PERMISSIONS]
