import { usage } from '@/lib/contract/usage'
import { bffFile } from '@/lib/server/bff'

export const GET = bffFile(usage.csv)
