import { events } from '@/lib/contract/events'
import { bffStream } from '@/lib/server/bff'

export const GET = bffStream(events.tail)
