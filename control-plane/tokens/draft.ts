import type { tokens } from '@/lib/contract/tokens'
import { AppError } from '@/lib/errors'
import type { Input } from '../routes'

type Create = Input<typeof tokens.create>
type Field = keyof Create

const ONLY_ACCESS: Field[] = ['role_id', 'permissions', 'gateway_id']
const ONLY_GATEWAY: Field[] = ['allowed_models', 'allowed_providers', 'agent_id']

export const refuseField = (path: Field, message: string) =>
  new AppError('invalid_request', `${path}: ${message}`, { errors: [{ path, message }] })

/**
 * The purpose of a key that is to be made, once its fields are known to go together.
 *
 * @throws AppError `invalid_request` naming the field that does not belong
 */
export function purposeOf(input: Create): 'integration' | 'gateway_runtime' | 'general' {
  const isGiven = (field: Field) => input[field] !== undefined && input[field] !== null
  if (input.team_id && input.scope !== 'team') throw refuseField('team_id', 'needs scope team')

  if (input.token_type === 'gateway') {
    const stray = ONLY_ACCESS.find(isGiven)
    if (stray) throw refuseField(stray, 'belongs to access keys only')
    if (input.purpose && input.purpose !== 'general') throw refuseField('purpose', 'must be general for a gateway key')
    return 'general'
  }

  const stray = ONLY_GATEWAY.find(isGiven)
  if (stray) throw refuseField(stray, 'belongs to gateway keys only')
  if (input.purpose === 'general')
    throw refuseField('purpose', 'must be integration or gateway_runtime for an access key')
  if (input.purpose !== 'gateway_runtime') {
    if (isGiven('gateway_id')) throw refuseField('gateway_id', 'needs purpose gateway_runtime')
    return 'integration'
  }
  if (!isGiven('gateway_id')) throw refuseField('gateway_id', 'is required for purpose gateway_runtime')
  const fixed = (['role_id', 'permissions'] as const).find(isGiven)
  if (fixed) throw refuseField(fixed, 'is fixed for purpose gateway_runtime')
  return 'gateway_runtime'
}
