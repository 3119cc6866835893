import { configurations } from '@/lib/contract/configurations'
import { bff } from '@/lib/server/bff'

export const POST = bff(configurations.lint)
