import { type DecisionEvent, events, type GatewayEvent } from '@/lib/contract/events'
import { gateways } from '@/lib/contract/gateways'
import { newId, newIdAt } from '@/lib/ids'
import type { TestOrganization } from '../testing'

/** An event as a gateway sends it, complete and unremarkable but for what is given. Its id is as old as its timestamp. */
export function gatewayEvent(gatewayId: string, given: Partial<GatewayEvent> = {}): GatewayEvent {
  const { org_id: _org, seq: _seq, recorded_at: _at, ...example } = events.get.example.output as DecisionEvent
  const statedMs = given.timestamp === undefined ? Number.NaN : Date.parse(given.timestamp)
  return {
    ...example,
    event_id: Number.isNaN(statedMs) ? newId('evt') : newIdAt('evt', statedMs),
    request_id: newId('req'),
    timestamp: new Date().toISOString(),
    gateway_id: gatewayId,
    ...given,
  }
}

/**
 * A registered gateway of an organisation, and a client with its runtime key. `event` numbers what it makes, as the spool
 * of a gateway does.
 */
export async function gatewayOf(organization: TestOrganization, id = 'gw_one') {
  const admin = await organization.as('role_admin')
  await admin(gateways.register, { id })
  const gateway = await organization.as([], { gatewayId: id })
  let seq = 0
  const event = (given?: Partial<GatewayEvent>) => {
    seq += 1
    return gatewayEvent(id, { gateway_seq: seq, ...given })
  }
  return { id, admin, gateway, event }
}
