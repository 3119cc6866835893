import { configurations } from '@/lib/contract/configurations'
import { bff } from '@/lib/server/bff'

export const GET = bff(configurations.list)
export const POST = bff(configurations.create)
