import type { Metadata } from 'next'
import { KpiStrip } from '@/components/overview/kpi-strip'
import { NeedsPerson } from '@/components/overview/needs-person'
import { SpendByTeam } from '@/components/overview/spend-by-team'
import { StartChecklist } from '@/components/overview/start-checklist'
import { TrafficChart } from '@/components/overview/traffic-chart'
import { PageHeader } from '@/components/ui/page-header'

export const metadata: Metadata = { title: 'Overview' }

export default function OverviewPage() {
  return (
    <>
      <PageHeader title="Overview" description="What passed the gateways, what it cost, and what waits for somebody." />
      <KpiStrip />
      <NeedsPerson />
      <div className="grid gap-4 lg:grid-cols-3">
        <div className="min-w-0 empty:hidden lg:col-span-2 [&>section]:h-full">
          <TrafficChart />
        </div>
        <SpendByTeam />
      </div>
      <StartChecklist />
    </>
  )
}
