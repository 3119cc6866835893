import { holds } from '@/lib/contract/holds'
import { bff } from '@/lib/server/bff'

export const GET = bff(holds.list)
export const POST = bff(holds.create)
