import { exports } from '@/lib/contract/exports'
import { bff } from '@/lib/server/bff'

export const GET = bff(exports.list)
export const POST = bff(exports.create)
