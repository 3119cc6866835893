import { trail } from '@/lib/contract/trail'
import { bff } from '@/lib/server/bff'

export const POST = bff(trail.rotateKey)
