import type { Metadata } from 'next'
import { Suspense } from 'react'
import { BudgetsPage } from '@/components/budgets/budgets-page'

export const metadata: Metadata = { title: 'Budgets' }

export default function Budgets() {
  return (
    <Suspense>
      <BudgetsPage />
    </Suspense>
  )
}
