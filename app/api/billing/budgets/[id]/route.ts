import { budgets } from '@/lib/contract/budgets'
import { bff } from '@/lib/server/bff'

export const GET = bff(budgets.get)
export const PATCH = bff(budgets.update)
export const DELETE = bff(budgets.delete)
