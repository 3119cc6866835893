import { wallets } from '@/lib/contract/wallets'
import { bff } from '@/lib/server/bff'

export const POST = bff(wallets.debit)
