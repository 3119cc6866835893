import { asc, count, eq } from 'drizzle-orm'
import { events } from '@/drizzle/schema/events'
import { gateways } from '@/drizzle/schema/gateways'
import type { Context } from '../../context'
import { eventsOfToken } from '../../events/queries'
import { gatewayStatus } from '../../gateways/status'
import { findToken } from '../queries'

const GATEWAYS_MAX = 500

/** Which gateways have confirmed the last change of a gateway key. Access keys never travel, so nobody confirms them. */
export async function getPropagation(ctx: Context, { id }: { id: string }) {
  const { tx, actor, request } = ctx
  const token = await findToken(ctx, id)
  const known =
    token.tokenType === 'gateway'
      ? await tx
          .select()
          .from(gateways)
          .where(eq(gateways.orgId, actor.orgId))
          .orderBy(asc(gateways.id))
          .limit(GATEWAYS_MAX)
      : []
  const hourAgo = new Date(request.now.getTime() - 3_600_000).toISOString()
  const [recent] = await tx
    .select({ requests: count() })
    .from(events)
    .where(await eventsOfToken(tx, actor.orgId, id, hourAgo, '9999-12-01T00:00:00Z'))
  return {
    revision: token.revision,
    items: known.map((gateway) => ({
      gateway_id: gateway.id,
      name: gateway.name,
      status: gatewayStatus(gateway, request.now),
      acknowledged: gateway.keysRevision >= token.revision,
      last_seen_at: gateway.lastSeenAt,
    })),
    requests_last_hour: recent?.requests ?? 0,
  }
}
