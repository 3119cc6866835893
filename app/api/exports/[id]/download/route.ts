import { exports } from '@/lib/contract/exports'
import { bffFile } from '@/lib/server/bff'

export const GET = bffFile(exports.download)
