import { trail } from '@/lib/contract/trail'
import { bff } from '@/lib/server/bff'

export const GET = bff(trail.verifications)
