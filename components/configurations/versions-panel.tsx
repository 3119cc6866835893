'use client'

import { useInfiniteQuery, useQuery } from '@tanstack/react-query'
import dynamic from 'next/dynamic'
import { type Column, DataTable } from '@/components/ui/data-table'
import { Details } from '@/components/ui/details'
import { EmptyState } from '@/components/ui/empty-state'
import { ErrorState } from '@/components/ui/error-state'
import { RelativeTime } from '@/components/ui/relative-time'
import { Sheet } from '@/components/ui/sheet'
import { Skeleton } from '@/components/ui/skeleton'
import { useOpenRow } from '@/components/ui/use-open-row'
import type { ConfigurationVersion } from '@/lib/contract/configurations'
import { configurationQueries } from './configuration-queries'

const VersionText = dynamic(() => import('./version-text').then((module) => module.VersionText), {
  ssr: false,
  loading: () => <Skeleton className="h-64" />,
})

const columns: Column<ConfigurationVersion>[] = [
  {
    id: 'version',
    header: 'Version',
    width: 'w-32',
    cell: ({ version }) => <span className="font-mono text-xs">{version}</span>,
  },
  { id: 'created', header: 'Saved', width: 'w-32', cell: ({ created_at }) => <RelativeTime at={created_at} /> },
  { id: 'by', header: 'By', width: 'w-40', cell: ({ created_by }) => created_by.name },
  { id: 'running', header: 'Runs on', width: 'w-44', cell: ({ running_on }) => running_on.join(', ') || '–' },
  { id: 'note', header: 'Note', cell: ({ note }) => note ?? '–' },
]

export function VersionsPanel({ id }: { id: string }) {
  const { data, error, refetch, hasNextPage, isFetchingNextPage, fetchNextPage } = useInfiniteQuery(
    configurationQueries.versions(id),
  )
  const [openVersion, setOpenVersion] = useOpenRow()
  const rows = data?.pages.flatMap((page) => page.items)
  const index = rows?.findIndex(({ version }) => version === openVersion) ?? -1
  return (
    <>
      <DataTable
        label="Versions"
        columns={columns}
        rows={rows}
        rowId={({ version }) => version}
        error={error}
        onRetry={() => void refetch()}
        more={{ hasMore: hasNextPage, isLoading: isFetchingNextPage, load: () => void fetchNextPage() }}
        selectedId={openVersion}
        onSelect={(version) => void setOpenVersion(version)}
        minWidth="min-w-2xl"
        empty={<EmptyState title="No versions" />}
      />
      <VersionSheet
        id={id}
        version={openVersion}
        previous={index >= 0 ? (rows?.[index + 1]?.version ?? null) : null}
        onClose={() => void setOpenVersion(null)}
      />
    </>
  )
}

type VersionSheetProps = { id: string; version: string | null; previous: string | null; onClose: () => void }

function VersionSheet({ id, version, previous, onClose }: VersionSheetProps) {
  const shown = useQuery({ ...configurationQueries.version(id, version ?? ''), enabled: version !== null })
  const before = useQuery({ ...configurationQueries.version(id, previous ?? ''), enabled: previous !== null })
  const isWaiting = !shown.data || (previous !== null && !before.data && !before.error)
  return (
    <Sheet open={version !== null} onClose={onClose} title={`Version ${version}`} className="max-w-3xl">
      {shown.error ? (
        <ErrorState error={shown.error} onRetry={() => void shown.refetch()} />
      ) : isWaiting || !shown.data ? (
        <Skeleton className="h-64" />
      ) : (
        <div className="flex flex-col gap-4">
          <Details
            items={[
              ['Saved by', shown.data.created_by.name],
              ['Saved', <RelativeTime key="at" at={shown.data.created_at} />],
              ['Runs on', shown.data.running_on.join(', ') || 'No gateway'],
              ['Note', shown.data.note ?? '–'],
              [
                'SHA-256',
                <span key="sha" className="break-all font-mono text-xs">
                  {shown.data.sha256}
                </span>,
              ],
            ]}
          />
          <h3 className="font-medium text-sm">{before.data ? `Changes since ${previous}` : 'policy-config.yaml'}</h3>
          <VersionText key={`${previous} ${version}`} yaml={shown.data.yaml} before={before.data?.yaml ?? null} />
        </div>
      )}
    </Sheet>
  )
}
