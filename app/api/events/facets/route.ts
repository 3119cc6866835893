import { events } from '@/lib/contract/events'
import { bff } from '@/lib/server/bff'

export const GET = bff(events.facets)
