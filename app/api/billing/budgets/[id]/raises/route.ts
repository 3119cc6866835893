import { budgets } from '@/lib/contract/budgets'
import { bff } from '@/lib/server/bff'

export const POST = bff(budgets.raise)
