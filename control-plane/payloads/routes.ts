import { events } from '@/lib/contract/events'
import { payloads } from '@/lib/contract/payloads'
import { Routes } from '../routes'
import { revealEvent } from './commands'
import { eraseEvent, eraseMany } from './erasure/commands'

export const payloadRoutes = new Routes()
  .on(events.reveal, revealEvent)
  .on(payloads.erase, eraseEvent)
  .on(payloads.eraseMany, eraseMany)
