import { trail } from '@/lib/contract/trail'
import { bff } from '@/lib/server/bff'

export const PATCH = bff(trail.updateSink)
export const DELETE = bff(trail.deleteSink)
