import { type Permission, ROLES } from '@/lib/contract/permissions'

/** The names of the roles that hold a permission: whom to ask. */
export const rolesWith = (permission: Permission): string[] =>
  Object.values(ROLES)
    .filter(({ permissions }) => permissions.includes(permission))
    .map(({ name }) => name)
