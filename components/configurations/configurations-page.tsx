'use client'

import { useInfiniteQuery } from '@tanstack/react-query'
import { Plus } from 'lucide-react'
import dynamic from 'next/dynamic'
import Link from 'next/link'
import { useRouter } from 'next/navigation'
import { parseAsBoolean, useQueryState } from 'nuqs'
import { RequirePermission } from '@/components/shell/require-permission'
import { useCan } from '@/components/shell/whoami-context'
import { Button } from '@/components/ui/button'
import { type Column, DataTable } from '@/components/ui/data-table'
import { EmptyState } from '@/components/ui/empty-state'
import { NameText } from '@/components/ui/name-text'
import { PageHeader } from '@/components/ui/page-header'
import { RelativeTime } from '@/components/ui/relative-time'
import { useEver } from '@/components/ui/use-ever'
import type { Configuration } from '@/lib/contract/configurations'
import { configurationQueries } from './configuration-queries'
import { RunningOn } from './running-on'

const CreateDialog = dynamic(() => import('./create-dialog').then((it) => it.CreateDialog), { ssr: false })

const ABOUT = 'Each is a policy-config.yaml in versions, signed and rolled out to the gateways you choose.'

const columns: Column<Configuration>[] = [
  {
    id: 'name',
    header: 'Configuration',
    cell: ({ id, name }) => (
      <Link href={`/configurations/${id}`} className="font-medium hover:underline">
        <NameText name={name} />
      </Link>
    ),
    sortValue: ({ name }) => name,
  },
  {
    id: 'latest',
    header: 'Newest version',
    width: 'w-36',
    cell: ({ latest_version }) => <span className="font-mono text-xs">{latest_version}</span>,
  },
  { id: 'running', header: 'Runs', cell: ({ gateways }) => <RunningOn gateways={gateways} /> },
  {
    id: 'updated',
    header: 'Changed',
    width: 'w-32',
    cell: ({ updated_at }) => <RelativeTime at={updated_at} />,
    sortValue: ({ updated_at }) => updated_at,
  },
]

export function ConfigurationsPage() {
  return (
    <RequirePermission permission="configurations:read">
      <Configurations />
    </RequirePermission>
  )
}

function Configurations() {
  const router = useRouter()
  const { data, error, refetch, hasNextPage, isFetchingNextPage, fetchNextPage } = useInfiniteQuery(
    configurationQueries.list(),
  )
  const [isCreating, setIsCreating] = useQueryState('create', parseAsBoolean)
  const hasCreated = useEver(isCreating === true)
  const canWrite = useCan('configurations:write')
  const createButton = canWrite && (
    <Button variant="primary" onClick={() => void setIsCreating(true)}>
      <Plus /> Create configuration
    </Button>
  )
  return (
    <>
      <PageHeader title="Configurations" description={ABOUT} actions={createButton} />
      <DataTable
        label="Configurations"
        columns={columns}
        rows={data?.pages.flatMap((page) => page.items)}
        rowId={(configuration) => configuration.id}
        error={error}
        onRetry={() => void refetch()}
        more={{ hasMore: hasNextPage, isLoading: isFetchingNextPage, load: () => void fetchNextPage() }}
        onSelect={(id) => id && router.push(`/configurations/${id}`)}
        minWidth="min-w-2xl"
        empty={
          <EmptyState
            title="No configurations yet"
            action={createButton}
            command="kt config create --name production --file policy-config.yaml"
          >
            {ABOUT}
          </EmptyState>
        }
      />
      {canWrite && hasCreated && <CreateDialog open={isCreating ?? false} onClose={() => void setIsCreating(null)} />}
    </>
  )
}
