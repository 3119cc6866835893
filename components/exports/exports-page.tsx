'use client'

import { useInfiniteQuery } from '@tanstack/react-query'
import { Plus } from 'lucide-react'
import dynamic from 'next/dynamic'
import { parseAsBoolean, parseAsStringLiteral, useQueryState } from 'nuqs'
import { RequirePermission } from '@/components/shell/require-permission'
import { Button } from '@/components/ui/button'
import { DataTable } from '@/components/ui/data-table'
import { EmptyState } from '@/components/ui/empty-state'
import { PageHeader } from '@/components/ui/page-header'
import { Tabs, TabsContent, TabsList, TabsTrigger } from '@/components/ui/tabs'
import { useEver } from '@/components/ui/use-ever'
import { useOpenRow } from '@/components/ui/use-open-row'
import { EXPORT_COLUMNS } from './export-columns'
import { exportQueries } from './export-queries'
import { SchedulesTable } from './schedules-table'

const CreateDialog = dynamic(() => import('./create-dialog').then((it) => it.CreateDialog), { ssr: false })
const ExportSheet = dynamic(() => import('./export-sheet').then((it) => it.ExportSheet), { ssr: false })

const ABOUT =
  'A file of events or activity of any size, with checksums and the digests that cover it. Its totals are those of the page it came from.'
const VIEWS = ['files', 'schedules'] as const

export function ExportsPage() {
  return (
    <RequirePermission permission="events:export">
      <Exports />
    </RequirePermission>
  )
}

function Exports() {
  const [view, setView] = useQueryState('view', parseAsStringLiteral(VIEWS).withDefault('files'))
  const [isCreating, setIsCreating] = useQueryState('create', parseAsBoolean)
  const hasCreated = useEver(isCreating === true)
  const createButton = (
    <Button variant="primary" onClick={() => void setIsCreating(true)}>
      <Plus /> Create export
    </Button>
  )
  return (
    <>
      <PageHeader title="Exports" description={ABOUT} actions={createButton} />
      <Tabs value={view} onValueChange={(next) => void setView(VIEWS.find((known) => known === next) ?? null)}>
        <TabsList aria-label="Files or schedules">
          <TabsTrigger value="files">Files</TabsTrigger>
          <TabsTrigger value="schedules">Schedules</TabsTrigger>
        </TabsList>
        <TabsContent value="files" className="pt-3">
          <Files createButton={createButton} />
        </TabsContent>
        <TabsContent value="schedules" className="pt-3">
          <SchedulesTable createButton={createButton} />
        </TabsContent>
      </Tabs>
      {hasCreated && <CreateDialog open={isCreating ?? false} onClose={() => void setIsCreating(null)} />}
    </>
  )
}

function Files({ createButton }: { createButton: React.ReactNode }) {
  const { data, error, refetch, hasNextPage, isFetchingNextPage, fetchNextPage } = useInfiniteQuery(
    exportQueries.list(),
  )
  const [openId, setOpenId] = useOpenRow()
  const hasOpened = useEver(openId !== null)
  return (
    <>
      <DataTable
        label="Exports"
        columns={EXPORT_COLUMNS}
        rows={data?.pages.flatMap((page) => page.items)}
        rowId={(row) => row.id}
        error={error}
        onRetry={() => void refetch()}
        more={{ hasMore: hasNextPage, isLoading: isFetchingNextPage, load: () => void fetchNextPage() }}
        selectedId={openId}
        onSelect={(id) => void setOpenId(id)}
        minWidth="min-w-6xl"
        empty={
          <EmptyState
            title="No exports yet"
            action={createButton}
            command="kt events export --since 30d --format csv --to events.csv"
          >
            {ABOUT}
          </EmptyState>
        }
      />
      {hasOpened && <ExportSheet id={openId} onClose={() => void setOpenId(null)} />}
    </>
  )
}
