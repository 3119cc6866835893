import { limits } from '@/lib/contract/limits'
import { Routes } from '../routes'
import { leaseLimits } from './commands'

export const limitRoutes = new Routes().on(limits.lease, leaseLimits)
