import { organization } from '@/lib/contract/organization'
import { Routes } from '../routes'
import { renameOrganization } from './commands'
import { getOrganization } from './queries'

export const organizationRoutes = new Routes()
  .on(organization.get, getOrganization)
  .on(organization.update, renameOrganization)
