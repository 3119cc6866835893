import { holds } from '@/lib/contract/holds'
import { bff } from '@/lib/server/bff'

export const POST = bff(holds.release)
