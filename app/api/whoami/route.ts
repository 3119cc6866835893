import { whoami } from '@/lib/contract/whoami'
import { bff } from '@/lib/server/bff'

export const GET = bff(whoami.get)
