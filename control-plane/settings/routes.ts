import { settings } from '@/lib/contract/settings'
import { Routes } from '../routes'
import { updateSecurity } from './commands'
import { securityOf } from './queries'

export const settingsRoutes = new Routes()
  .on(settings.getSecurity, ({ tx, actor }) => securityOf(tx, actor.orgId))
  .on(settings.updateSecurity, updateSecurity)
