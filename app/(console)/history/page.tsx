import type { Metadata } from 'next'
import { Suspense } from 'react'
import { HistoryViews } from '@/components/events/history-views'
import { RequirePermission } from '@/components/shell/require-permission'
import { PageHeader } from '@/components/ui/page-header'

export const metadata: Metadata = { title: 'History' }

export default function HistoryPage() {
  return (
    <RequirePermission permission="events:read">
      <PageHeader title="History" description="What the gateways decided, and who changed what." />
      <Suspense>
        <HistoryViews />
      </Suspense>
    </RequirePermission>
  )
}
