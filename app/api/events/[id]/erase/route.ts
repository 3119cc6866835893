import { payloads } from '@/lib/contract/payloads'
import { bff } from '@/lib/server/bff'

export const POST = bff(payloads.erase)
