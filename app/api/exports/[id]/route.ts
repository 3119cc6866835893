import { exports } from '@/lib/contract/exports'
import { bff } from '@/lib/server/bff'

export const GET = bff(exports.get)
export const DELETE = bff(exports.delete)
