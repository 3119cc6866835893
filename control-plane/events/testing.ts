import { type DecisionEvent, events, type GatewayEvent } from '@/lib/contract/events'
import { gateways } from '@/lib/contract/gateways'
import { newId } from '@/lib/ids'
import type { TestOrganization } from '../testing'

/** An event as a gateway sends it, complete and unremarkable but for what is given. */
export function gatewayEvent(gatewayId: string, given: Partial<GatewayEvent> = {}): GatewayEvent {
  const { org_id: _org, seq: _seq, recorded_at: _at, ...example } = events.get.example.output as DecisionEvent
  return {
    ...example,
    event_id: newId('evt'),
    request_id: newId('req'),
    timestamp: new Date().toISOString(),
    gateway_id: gatewayId,
    ...given,
  }
}

/** A registered gateway of an organisation, and a client with its runtime key. */
export async function gatewayOf(organization: TestOrganization, id = 'gw_one') {
  const admin = await organization.as('role_admin')
  await admin(gateways.register, { id })
  const gateway = await organization.as([], { gatewayId: id })
  return { id, admin, gateway, event: (given?: Partial<GatewayEvent>) => gatewayEvent(id, given) }
}
