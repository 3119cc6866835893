import { tokens } from '@/lib/contract/tokens'
import { bff } from '@/lib/server/bff'

export const GET = bff(tokens.usage)
