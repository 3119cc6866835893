import { tokens } from '@/lib/contract/tokens'
import { bff } from '@/lib/server/bff'

export const POST = bff(tokens.extendRotation)
