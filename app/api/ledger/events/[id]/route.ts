import { ledger } from '@/lib/contract/ledger'
import { bff } from '@/lib/server/bff'

export const GET = bff(ledger.ofEvent)
