import { evidence } from '@/lib/contract/evidence'
import { bffFile } from '@/lib/server/bff'

export const GET = bffFile(evidence.archive)
