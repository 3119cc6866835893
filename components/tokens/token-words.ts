import { ROLES } from '@/lib/contract/permissions'
import type { Token } from '@/lib/contract/tokens'

type TokenType = Token['token_type']

export const TYPE_WORDS: Record<TokenType, { one: string; many: string; path: string }> = {
  access: { one: 'access key', many: 'Access keys', path: '/settings/access-keys' },
  gateway: { one: 'gateway key', many: 'Gateway keys', path: '/settings/gateway-keys' },
}

export const PURPOSE_WORDS: Record<Token['purpose'], string> = {
  integration: 'Integration',
  gateway_runtime: 'Gateway process',
  general: 'General',
}

/** What a list of names allows, in one line: null is no restriction, an empty list allows nothing. */
export function describeAllowed(names: string[] | null, all: string): string {
  if (names === null) return all
  const [first, ...others] = names
  if (first === undefined) return 'None'
  return others.length === 0 ? first : `${first} +${others.length}`
}

/** What an access key may do, in a few words. */
export function describeAuthority({ role_id, permissions, purpose, gateway_id }: Token): string {
  if (purpose === 'gateway_runtime') return gateway_id ? `Runs ${gateway_id}` : 'Runs a gateway'
  if (role_id) return ROLES[role_id]?.name ?? role_id
  return permissions.length === 1 ? (permissions[0] ?? '') : `${permissions.length} permissions`
}

export const secretHint = ({ prefix, last4 }: Pick<Token, 'prefix' | 'last4'>) => `${prefix}…${last4}`
