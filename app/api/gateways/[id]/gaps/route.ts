import { gateways } from '@/lib/contract/gateways'
import { bff } from '@/lib/server/bff'

export const GET = bff(gateways.gaps)
