'use client'

import { useInfiniteQuery } from '@tanstack/react-query'
import { LockOpen } from 'lucide-react'
import dynamic from 'next/dynamic'
import { parseAsStringLiteral, useQueryState } from 'nuqs'
import { type ReactNode, useMemo, useState } from 'react'
import { Button } from '@/components/ui/button'
import { Choice } from '@/components/ui/choice'
import { type Column, DataTable } from '@/components/ui/data-table'
import { EmptyState } from '@/components/ui/empty-state'
import { NameText } from '@/components/ui/name-text'
import { RelativeTime } from '@/components/ui/relative-time'
import { StatusBadge } from '@/components/ui/status-badge'
import type { LegalHold } from '@/lib/contract/holds'
import { coverWords } from './hold-words'
import { holdsQueries } from './holds-queries'

const ReleaseDialog = dynamic(() => import('./release-dialog').then((it) => it.ReleaseDialog), { ssr: false })

const STATES = ['standing', 'all'] as const

export function HoldsTable({ createButton, mayWrite }: { createButton: ReactNode; mayWrite: boolean }) {
  const [state, setState] = useQueryState('state', parseAsStringLiteral(STATES).withDefault('standing'))
  const [releasing, setReleasing] = useState<LegalHold | null>(null)
  const query = useInfiniteQuery(holdsQueries.list(state))
  const columns = useMemo(() => columnsOf(mayWrite ? setReleasing : undefined), [mayWrite])
  return (
    <>
      <DataTable
        label="Legal holds"
        columns={columns}
        rows={query.data?.pages.flatMap((page) => page.items)}
        rowId={({ id }) => id}
        error={query.error}
        onRetry={() => void query.refetch()}
        more={{
          hasMore: query.hasNextPage,
          isLoading: query.isFetchingNextPage,
          load: () => void query.fetchNextPage(),
          error: query.isFetchNextPageError ? query.error : undefined,
        }}
        toolbar={
          <Choice
            label="Which holds"
            value={state}
            onChange={(next) => void setState(STATES.find((known) => known === next) ?? null)}
            options={[
              { value: 'standing', label: 'Standing' },
              { value: 'all', label: 'All' },
            ]}
          />
        }
        minWidth="min-w-6xl"
        empty={
          <EmptyState
            title={state === 'all' ? 'There was never a legal hold' : 'No legal hold stands'}
            action={createButton}
          >
            While one stands, no event it covers is dropped and no content of one is erased, whatever the settings say.
          </EmptyState>
        }
      />
      {releasing && <ReleaseDialog hold={releasing} onClose={() => setReleasing(null)} />}
    </>
  )
}

const columnsOf = (release: ((hold: LegalHold) => void) | undefined): Column<LegalHold>[] => [
  { id: 'name', header: 'Hold', cell: ({ name }) => <NameText name={name} className="font-medium" /> },
  { id: 'covers', header: 'Covers', width: 'w-72', cell: coverWords },
  { id: 'reason', header: 'Reason', cell: ({ reason }) => <NameText name={reason} /> },
  {
    id: 'state',
    header: 'State',
    width: 'w-26',
    cell: ({ released_at }) => (
      <StatusBadge tone={released_at ? 'neutral' : 'info'}>{released_at ? 'Released' : 'Stands'}</StatusBadge>
    ),
  },
  {
    id: 'created',
    header: 'Made',
    width: 'w-60',
    cell: ({ created_at, created_by }) => (
      <>
        <RelativeTime at={created_at} focusable={false} /> by {created_by}
      </>
    ),
  },
  {
    id: 'released',
    header: 'Released',
    width: 'w-44',
    cell: (hold) =>
      hold.released_at ? (
        <>
          <RelativeTime at={hold.released_at} focusable={false} /> by {hold.released_by}
        </>
      ) : release ? (
        <Button size="sm" variant="ghost" onClick={() => release(hold)}>
          <LockOpen /> Release…
        </Button>
      ) : (
        '–'
      ),
  },
]
