import type { Logger } from 'pino'
import type { ACTIVITY_SOURCES } from '@/lib/contract/activity'
import type { Permission, RoleId } from '@/lib/contract/permissions'
import type { Sealing } from './auth/sealing'
import type { UseRecorder } from './auth/use-recorder'
import type { Signer } from './configurations/signer'
import type { Database, Transaction } from './database'
import type { Jobs } from './jobs/jobs'
import type { ObjectStore } from './objects/object-store'
import type { PushHub } from './push'
import type { TrailSigner } from './trail/keys/trail-signer'
import type { SinkRules } from './trail/sinks/sink'

/** Who asks. Its organisation is the only one an operation can touch. */
export type Actor = {
  type: 'user' | 'token' | 'system'
  id: string
  name: string
  email: string | null
  orgId: string
  permissions: ReadonlySet<Permission>
  roleId: RoleId | null
  scope: 'org' | 'team'
  /** With scope `team`: the only team whose keys and events it sees. */
  teamId: string | null
  /** Set for the key of a gateway process: it speaks for this gateway only. */
  gatewayId: string | null
  /** The member behind it: itself, or the one whose key it is; null for the installation. */
  memberId: string | null
  sessionId: string | null
}

export type RequestInfo = {
  id: string
  ip: string | null
  source: (typeof ACTIVITY_SOURCES)[number]
  userAgent: string | null
  /** `If-Match` as it was sent: the change is made only to what the caller has seen (RFC 9110 section 13.1.1). */
  ifMatch: string | null
  now: Date
}

/** What the process provides; the same for every request. */
export type Services = {
  db: Database
  log: Logger
  hub: PushHub
  signer: Signer
  sealing: Sealing
  uses: UseRecorder
  objects: ObjectStore
  jobs: Jobs
  trailSigner: TrailSigner
  sinkRules: SinkRules
  oidc: OidcSettings | null
  /** How long what a gateway held when it was last heard of is kept for its events; a day unless stated. */
  leaseHoldSeconds?: number
}

export type OidcSettings = {
  issuer: string
  clientId: string
  /** Role of a member who signs in for the first time. */
  defaultRole: RoleId
  /** Whether an address counts as verified when the provider does not say that it is. */
  trustEmail: boolean
}

/** What an operation works with. `tx` is the request's one transaction and is bound to the actor's organisation. */
export type Context = { tx: Transaction; actor: Actor; request: RequestInfo; services: Services }

/**
 * For endpoints that anybody may call: no actor and no transaction. They open their own, so that slow work such as hashing
 * a password holds no connection, and what they count outlives a refusal.
 */
export type PublicContext = Omit<Context, 'actor' | 'tx'>
