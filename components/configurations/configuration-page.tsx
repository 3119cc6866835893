'use client'

import { useQuery } from '@tanstack/react-query'
import { Rocket } from 'lucide-react'
import dynamic from 'next/dynamic'
import Link from 'next/link'
import { parseAsBoolean, parseAsStringLiteral, useQueryState } from 'nuqs'
import { RequirePermission } from '@/components/shell/require-permission'
import { useCan } from '@/components/shell/whoami-context'
import { Button } from '@/components/ui/button'
import { EmptyState } from '@/components/ui/empty-state'
import { ErrorState } from '@/components/ui/error-state'
import { IdText } from '@/components/ui/id-text'
import { PageHeader } from '@/components/ui/page-header'
import { Skeleton } from '@/components/ui/skeleton'
import { Tabs, TabsContent, TabsList, TabsTrigger } from '@/components/ui/tabs'
import type { Configuration } from '@/lib/contract/configurations'
import { refreshEvery } from '../refresh-every'
import { configurationQueries } from './configuration-queries'
import { GatewayList } from './running-on'

// It checks as you type with every kind of policy there is, which is much to load for who only looks.
const EditorPanel = dynamic(() => import('./editor-panel').then((module) => module.EditorPanel), {
  ssr: false,
  loading: () => <Skeleton className="h-80" />,
})

const RolloutDialog = dynamic(() => import('./rollout-dialog').then((it) => it.RolloutDialog), { ssr: false })
const VersionsPanel = dynamic(() => import('./versions-panel').then((it) => it.VersionsPanel), {
  ssr: false,
  loading: () => <Skeleton className="h-80" />,
})

const REFRESH_MS = 5_000
const TABS = ['edit', 'versions', 'gateways'] as const

export function ConfigurationPage({ id }: { id: string }) {
  return (
    <RequirePermission permission="configurations:read">
      <Configured id={id} />
    </RequirePermission>
  )
}

function Configured({ id }: { id: string }) {
  const { data, error, refetch } = useQuery({
    ...configurationQueries.get(id),
    refetchInterval: refreshEvery(REFRESH_MS),
  })
  if (error && !data) {
    return (
      <>
        <Breadcrumb />
        <PageHeader title="Configuration" />
        <ErrorState error={error} onRetry={() => void refetch()} />
      </>
    )
  }
  if (!data) {
    return (
      <>
        <Breadcrumb />
        <PageHeader title="Configuration" />
        <Skeleton className="h-96" />
      </>
    )
  }
  return <Detail configuration={data} />
}

const Breadcrumb = () => (
  <nav aria-label="Breadcrumb" className="-mb-2 text-fg-muted text-xs">
    <Link href="/configurations" className="hover:underline">
      Configurations
    </Link>
  </nav>
)

function Detail({ configuration }: { configuration: Configuration }) {
  const { id, name, latest_version: latest, gateways } = configuration
  const canWrite = useCan('configurations:write')
  const [tab, setTab] = useQueryState('tab', parseAsStringLiteral(TABS).withDefault('edit'))
  const [isRollingOut, setIsRollingOut] = useQueryState('rollout', parseAsBoolean)
  return (
    <>
      <Breadcrumb />
      <PageHeader
        title={name}
        description={
          <>
            Newest version <span className="font-mono text-xs">{latest}</span> ·{' '}
            <IdText id={id} what="configuration id" />
          </>
        }
        actions={
          canWrite && (
            <Button onClick={() => void setIsRollingOut(true)}>
              <Rocket /> Roll out
            </Button>
          )
        }
      />
      <Tabs value={tab} onValueChange={(next) => void setTab(TABS.find((known) => known === next) ?? null)}>
        <TabsList aria-label="Parts of the configuration">
          <TabsTrigger value="edit">Edit</TabsTrigger>
          <TabsTrigger value="versions">Versions</TabsTrigger>
          <TabsTrigger value="gateways">Gateways ({gateways.length})</TabsTrigger>
        </TabsList>
        {/* Stays mounted, so that looking at another tab loses nothing of what is not saved. */}
        <TabsContent value="edit" forceMount className="pt-4 data-[state=inactive]:hidden">
          <EditorPanel id={id} latest={latest} />
        </TabsContent>
        <TabsContent value="versions" className="pt-4">
          <VersionsPanel id={id} />
        </TabsContent>
        <TabsContent value="gateways" className="pt-4">
          {gateways.length > 0 ? (
            <GatewayList gateways={gateways} />
          ) : (
            <EmptyState
              title="No gateway runs it"
              command={`kt rollout --gateway-ids local --version ${latest} --configuration-id ${id}`}
            >
              Roll a version out to gateways; they then belong to this configuration.
            </EmptyState>
          )}
        </TabsContent>
      </Tabs>
      {canWrite && isRollingOut && (
        <RolloutDialog configuration={configuration} onClose={() => void setIsRollingOut(null)} />
      )}
    </>
  )
}
