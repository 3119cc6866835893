import { exports } from '@/lib/contract/exports'
import { bff } from '@/lib/server/bff'

export const POST = bff(exports.link)
