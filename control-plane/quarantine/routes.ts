import { quarantine } from '@/lib/contract/quarantine'
import { Routes } from '../routes'
import { discardEvents, replayEvents } from './commands'
import { getQuarantined, listQuarantine } from './queries'

export const quarantineRoutes = new Routes()
  .on(quarantine.list, listQuarantine)
  .on(quarantine.get, getQuarantined)
  .on(quarantine.replay, replayEvents)
  .on(quarantine.discard, discardEvents)
