'use client'

import { parseAsStringLiteral, useQueryState } from 'nuqs'
import { RequirePermission } from '@/components/shell/require-permission'
import { PageHeader } from '@/components/ui/page-header'
import { Tabs, TabsContent, TabsList, TabsTrigger } from '@/components/ui/tabs'
import { InvoicesPanel } from './invoices-panel'
import { MonthsPanel } from './months-panel'
import { UsageView } from './usage-view'

const VIEWS = ['usage', 'months', 'invoices'] as const

export function UsagePage() {
  return (
    <RequirePermission permission="spend:read">
      <Usage />
    </RequirePermission>
  )
}

function Usage() {
  const [view, setView] = useQueryState('view', parseAsStringLiteral(VIEWS).withDefault('usage'))
  return (
    <>
      <PageHeader
        title="Usage"
        description="What was used and what it cost, from the same sums as the ledger, the API and kt."
      />
      <Tabs value={view} onValueChange={(next) => void setView(VIEWS.find((known) => known === next) ?? null)}>
        <TabsList aria-label="Usage, months or invoices">
          <TabsTrigger value="usage">Usage</TabsTrigger>
          <TabsTrigger value="months">Months</TabsTrigger>
          <TabsTrigger value="invoices">Invoices</TabsTrigger>
        </TabsList>
        <TabsContent value="usage" className="flex flex-col gap-4 pt-3">
          <UsageView />
        </TabsContent>
        <TabsContent value="months" className="flex flex-col gap-3 pt-3">
          <MonthsPanel />
        </TabsContent>
        <TabsContent value="invoices" className="flex flex-col gap-3 pt-3">
          <InvoicesPanel />
        </TabsContent>
      </Tabs>
    </>
  )
}
