import { PERMISSIONS } from '@/lib/contract/permissions'
import { newId } from '@/lib/ids'
import type { Actor, Context, RequestInfo, Services } from './context'
import { inTenant } from './tenant'

/** The installation itself, for work that nobody asked for over the API. */
export const systemActor = (orgId: string): Actor => ({
  type: 'system',
  id: 'system',
  name: 'Keeptrusts',
  email: null,
  orgId,
  permissions: new Set(PERMISSIONS),
  roleId: null,
  scope: 'org',
  teamId: null,
  gatewayId: null,
  memberId: null,
  sessionId: null,
})

export const systemRequest = (): RequestInfo => ({
  id: newId('req'),
  ip: null,
  source: 'system',
  userAgent: null,
  ifMatch: null,
  now: new Date(),
})

/** Runs commands of one organisation in one transaction as the installation itself. */
export const asSystem = <T>(services: Services, orgId: string, work: (ctx: Context) => Promise<T>): Promise<T> =>
  inTenant(services.db, orgId, (tx) => work({ tx, services, actor: systemActor(orgId), request: systemRequest() }))
