import { events } from '@/lib/contract/events'
import { Routes } from '../routes'
import { ingestEvents } from './commands'
import { countFacets } from './counts/facets'
import { countEvents } from './counts/histogram'
import { listEvents } from './pages/queries'
import { getEvent } from './queries'
import { tailEvents } from './tail'

/** Paths with a fixed last part come before `:id`. */
export const eventRoutes = new Routes()
  .onBytes(events.ingest, ingestEvents)
  .on(events.list, listEvents)
  .onStream(events.tail, tailEvents)
  .on(events.histogram, countEvents)
  .on(events.facets, countFacets)
  .on(events.get, getEvent)
