'use client'

import { useInfiniteQuery } from '@tanstack/react-query'
import { Plus } from 'lucide-react'
import dynamic from 'next/dynamic'
import { parseAsBoolean, useQueryState } from 'nuqs'
import { useMemo } from 'react'
import { RequirePermission } from '@/components/shell/require-permission'
import { rolesWith } from '@/components/shell/roles-with'
import { useCan } from '@/components/shell/whoami-context'
import { useTeamName } from '@/components/teams/use-team-name'
import { Button } from '@/components/ui/button'
import { Callout } from '@/components/ui/callout'
import { DataTable } from '@/components/ui/data-table'
import { EmptyState } from '@/components/ui/empty-state'
import { PageHeader } from '@/components/ui/page-header'
import { useEver } from '@/components/ui/use-ever'
import { useOpenRow } from '@/components/ui/use-open-row'
import { budgetColumns } from './budget-columns'
import { budgetQueries } from './budget-queries'

const CreateBudgetDialog = dynamic(() => import('./create-budget-dialog').then((it) => it.CreateBudgetDialog), {
  ssr: false,
})
const BudgetSheet = dynamic(() => import('./budget-sheet').then((it) => it.BudgetSheet), { ssr: false })

const ABOUT =
  'What may be spent by whom and until when. Beyond a hard limit requests are refused before they cost anything.'

export function BudgetsPage() {
  return (
    <RequirePermission permission="spend:read">
      <Budgets />
    </RequirePermission>
  )
}

function Budgets() {
  const mayWrite = useCan('org:billing')
  const [isCreating, setIsCreating] = useQueryState('create', parseAsBoolean)
  const hasCreated = useEver(isCreating === true)
  const [openId, setOpenId] = useOpenRow()
  const hasOpened = useEver(openId !== null)
  const teamName = useTeamName()
  const query = useInfiniteQuery(budgetQueries.list())
  const rows = useMemo(() => query.data?.pages.flatMap((page) => page.items), [query.data])
  const columns = useMemo(() => budgetColumns(teamName, rows ?? []), [teamName, rows])
  const createButton = mayWrite && (
    <Button variant="primary" onClick={() => void setIsCreating(true)}>
      <Plus /> Create budget
    </Button>
  )
  return (
    <>
      <PageHeader title="Budgets" description={ABOUT} actions={createButton} />
      {!mayWrite && <Callout>Made, raised and changed by: {rolesWith('org:billing').join(', ')}.</Callout>}
      <DataTable
        label="Budgets"
        columns={columns}
        rows={rows}
        rowId={({ id }) => id}
        error={query.error}
        onRetry={() => void query.refetch()}
        more={{
          hasMore: query.hasNextPage,
          isLoading: query.isFetchingNextPage,
          load: () => void query.fetchNextPage(),
          error: query.isFetchNextPageError ? query.error : undefined,
        }}
        selectedId={openId}
        onSelect={(id) => void setOpenId(id)}
        minWidth="min-w-6xl"
        isTall
        empty={
          <EmptyState
            title="No budgets yet"
            action={createButton}
            command="kt budget create --name 'All of it, monthly' --limit 2500 --window month"
          >
            {ABOUT} Without one, nothing is refused for its cost.
          </EmptyState>
        }
      />
      {hasCreated && mayWrite && (
        <CreateBudgetDialog open={isCreating ?? false} onClose={() => void setIsCreating(null)} />
      )}
      {hasOpened && <BudgetSheet id={openId} onClose={() => void setOpenId(null)} />}
    </>
  )
}
