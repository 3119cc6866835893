import { holds } from '@/lib/contract/holds'
import { Routes } from '../routes'
import { createHold, releaseHold } from './commands'
import { listHolds } from './queries'

export const holdRoutes = new Routes()
  .on(holds.list, listHolds)
  .on(holds.create, createHold)
  .on(holds.release, releaseHold)
