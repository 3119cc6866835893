import { activity } from './activity'
import { budgets } from './budgets'
import { configurations } from './configurations'
import type { Endpoint } from './endpoint'
import { events } from './events'
import { evidence } from './evidence'
import { exportSchedules, exports } from './exports'
import { gateways } from './gateways'
import { holds } from './holds'
import { ledger } from './ledger'
import { limits } from './limits'
import { members } from './members'
import { modelPricing } from './model-pricing'
import { notifications } from './notifications'
import { organization } from './organization'
import { payloads } from './payloads'
import { quarantine } from './quarantine'
import { retention } from './retention'
import { sessions } from './sessions'
import { settings } from './settings'
import { spendLeases } from './spend-leases'
import { teams } from './teams'
import { tokens } from './tokens'
import { trail } from './trail'
import { usage } from './usage'
import { views } from './views'
import { wallets } from './wallets'
import { whoami } from './whoami'

/** The whole contract by resource, in the order in which the reference shows it. */
export const CONTRACT: Record<string, Record<string, Endpoint>> = {
  whoami,
  tokens,
  events,
  views,
  quarantine,
  payloads,
  holds,
  retention,
  gateways,
  limits,
  modelPricing,
  usage,
  budgets,
  wallets,
  ledger,
  spendLeases,
  configurations,
  organization,
  settings,
  activity,
  notifications,
  exports,
  exportSchedules,
  trail,
  evidence,
  members,
  teams,
  sessions,
}

export const ENDPOINTS: Endpoint[] = Object.values(CONTRACT).flatMap((resource) => Object.values(resource))
