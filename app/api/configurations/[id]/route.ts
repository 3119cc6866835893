import { configurations } from '@/lib/contract/configurations'
import { bff } from '@/lib/server/bff'

export const GET = bff(configurations.get)
