import { gatewayEvent } from '@/control-plane/events/testing'
import { events, type GatewayEvent } from '@/lib/contract/events'
import { gateways } from '@/lib/contract/gateways'
import { tokens } from '@/lib/contract/tokens'
import { asAdministrator, connect, uniqueName } from './installation'

/** A registered gateway that no process runs: what it holds nobody gives back, and its events come when a test says so. */
export async function registerGateway(stem: string) {
  const admin = await asAdministrator()
  const id = uniqueName(stem)
  await admin(gateways.register, { id })
  const { key } = await admin(tokens.create, {
    name: uniqueName(stem),
    token_type: 'access',
    purpose: 'gateway_runtime',
    gateway_id: id,
  })
  const client = connect(key)
  let seq = 0
  /** Reports a call that cost so many dollars, at its own time. */
  const report = async (cost_usd: string, given: Partial<GatewayEvent>) => {
    seq += 1
    const event = gatewayEvent(id, { gateway_seq: seq, ...given })
    const cost = { ...event.event_cost_attribution, total_cost_usd: cost_usd, price_status: 'priced' as const }
    const sent = {
      ...event,
      event_cost_attribution: { ...cost, input_cost_usd: null, output_cost_usd: null, units: [] },
    }
    const { accepted, rejected } = await client(events.ingest, { events: [sent] })
    if (accepted !== 1) throw new Error(`An event was not taken: ${JSON.stringify(rejected)}`)
    return sent
  }
  return { id, client, report }
}
