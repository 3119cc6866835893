import { budgets } from '@/lib/contract/budgets'
import { Routes } from '../routes'
import { releaseHeld } from '../spend-leases/commands'
import { createBudget, deleteBudget, updateBudget } from './commands'
import { getBudget, listBudgets, listWindows } from './queries'
import { endRaise, raiseBudget } from './raises/commands'

export const budgetRoutes = new Routes()
  .on(budgets.list, listBudgets)
  .on(budgets.get, getBudget)
  .on(budgets.windows, listWindows)
  .on(budgets.create, createBudget)
  .on(budgets.update, updateBudget)
  .on(budgets.raise, raiseBudget)
  .on(budgets.endRaise, endRaise)
  .on(budgets.delete, deleteBudget)
  .on(budgets.releaseHeld, releaseHeld)
