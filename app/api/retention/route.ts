import { retention } from '@/lib/contract/retention'
import { bff } from '@/lib/server/bff'

export const GET = bff(retention.get)
