import { budgets } from '@/lib/contract/budgets'
import { bff } from '@/lib/server/bff'

export const GET = bff(budgets.list)
export const POST = bff(budgets.create)
