import { evidence } from '@/lib/contract/evidence'
import { bff } from '@/lib/server/bff'

export const GET = bff(evidence.get)
