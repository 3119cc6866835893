import { events } from '@/lib/contract/events'
import { revealEvent } from '../payloads/commands'
import { Routes } from '../routes'
import { ingestEvents } from './commands'
import { countEvents, getEvent, listEvents } from './queries'
import { tailEvents } from './tail'

/** Paths with a fixed last part come before `:id`. */
export const eventRoutes = new Routes()
  .on(events.ingest, ingestEvents)
  .on(events.list, listEvents)
  .onStream(events.tail, tailEvents)
  .on(events.histogram, countEvents)
  .on(events.get, getEvent)
  .on(events.reveal, revealEvent)
