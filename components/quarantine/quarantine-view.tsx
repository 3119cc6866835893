'use client'

import { useInfiniteQuery } from '@tanstack/react-query'
import { RotateCw, Trash2 } from 'lucide-react'
import dynamic from 'next/dynamic'
import { parseAsStringLiteral, useQueryState } from 'nuqs'
import { useMemo, useState } from 'react'
import { rolesWith } from '@/components/shell/roles-with'
import { useCan } from '@/components/shell/whoami-context'
import { Button } from '@/components/ui/button'
import { Callout } from '@/components/ui/callout'
import { Choice } from '@/components/ui/choice'
import { type Column, DataTable } from '@/components/ui/data-table'
import { EmptyState } from '@/components/ui/empty-state'
import { IdText } from '@/components/ui/id-text'
import { RelativeTime } from '@/components/ui/relative-time'
import { StatusBadge } from '@/components/ui/status-badge'
import { useEver } from '@/components/ui/use-ever'
import { useOpenRow } from '@/components/ui/use-open-row'
import { useRowSelection } from '@/components/ui/use-row-selection'
import { QUARANTINE_STATES, type QuarantinedEvent } from '@/lib/contract/quarantine'
import { bytesText, countText } from '../events/event-words'
import { quarantineQueries } from './quarantine-queries'
import { STATE_LOOK } from './quarantine-words'

const QuarantineSheet = dynamic(() => import('./quarantine-sheet').then((it) => it.QuarantineSheet), { ssr: false })
const ResolveDialog = dynamic(() => import('./resolve-dialog').then((it) => it.ResolveDialog), { ssr: false })

/** What gateways sent and could not be recorded as it came, until somebody decides. */
export function QuarantineView() {
  const mayResolve = useCan('events:quarantine')
  const [state, setState] = useQueryState(
    'state',
    parseAsStringLiteral([...QUARANTINE_STATES, 'all'] as const).withDefault('waiting'),
  )
  const [openId, setOpenId] = useOpenRow()
  const hasOpened = useEver(openId !== null)
  const [resolving, setResolving] = useState<'replay' | 'discard' | null>(null)
  const query = useInfiniteQuery(quarantineQueries.list(state === 'all' ? undefined : state))
  const rows = useMemo(() => query.data?.pages.flatMap((page) => page.items), [query.data])
  const selection = useRowSelection(rows, rowIdOf, isWaiting)
  const summary = query.data?.pages[0]
  return (
    <>
      <p className="max-w-3xl text-fg-muted text-sm">
        An event that cannot be recorded as it came is kept here with what was sent, and never holds back the others.
        {summary &&
          summary.waiting > 0 &&
          ` ${countText(summary.waiting)} ${summary.waiting === 1 ? 'waits' : 'wait'} now, ${bytesText(summary.waiting_bytes)}.`}
      </p>
      {!mayResolve && <Callout>Recorded again or discarded by: {rolesWith('events:quarantine').join(', ')}.</Callout>}
      <DataTable
        label="Quarantined events"
        columns={COLUMNS}
        rows={rows}
        rowId={rowIdOf}
        error={query.error}
        onRetry={() => void query.refetch()}
        more={{
          hasMore: query.hasNextPage,
          isLoading: query.isFetchingNextPage,
          load: () => void query.fetchNextPage(),
          error: query.isFetchNextPageError ? query.error : undefined,
        }}
        selectedId={openId}
        onSelect={(id) => void setOpenId(id, { history: openId === null ? 'push' : 'replace' })}
        selectable={
          mayResolve
            ? {
                selection,
                nameOf: ({ event_id, id }) => `the event ${event_id ?? id}`,
                noun: { one: 'event', many: 'events' },
                actions: (
                  <>
                    <Button size="sm" onClick={() => setResolving('replay')}>
                      <RotateCw /> Record again
                    </Button>
                    <Button size="sm" variant="danger-outline" onClick={() => setResolving('discard')}>
                      <Trash2 /> Discard
                    </Button>
                  </>
                ),
              }
            : undefined
        }
        toolbar={
          <Choice
            label="State"
            value={state}
            onChange={(next) =>
              void setState([...QUARANTINE_STATES, 'all' as const].find((one) => one === next) ?? null)
            }
            options={[
              ...QUARANTINE_STATES.map((value) => ({ value, label: STATE_LOOK[value].label })),
              { value: 'all', label: 'All' },
            ]}
          />
        }
        empty={
          <EmptyState title={state === 'waiting' ? 'Nothing waits' : 'Nothing is here'}>
            Every event that gateways sent could be recorded. One that cannot, such as with a time that is not
            plausible, would stand here with the reason.
          </EmptyState>
        }
      />
      {hasOpened && <QuarantineSheet id={openId} onClose={() => void setOpenId(null)} mayResolve={mayResolve} />}
      {resolving && (
        <ResolveDialog
          how={resolving}
          ids={selection.rows.map(rowIdOf)}
          onClose={() => setResolving(null)}
          onDone={selection.clear}
        />
      )}
    </>
  )
}

const rowIdOf = ({ id }: QuarantinedEvent) => id
const isWaiting = ({ state }: QuarantinedEvent) => state === 'waiting'

const COLUMNS: Column<QuarantinedEvent>[] = [
  {
    id: 'received',
    header: 'Received',
    width: 'w-28',
    cell: ({ received_at }) => <RelativeTime at={received_at} focusable={false} />,
  },
  {
    id: 'state',
    header: 'State',
    width: 'w-28',
    cell: ({ state }) => <StatusBadge tone={STATE_LOOK[state].tone}>{STATE_LOOK[state].label}</StatusBadge>,
  },
  { id: 'reason', header: 'Reason', cell: ({ reason }) => reason },
  { id: 'gateway', header: 'Gateway', width: 'w-32', cell: ({ gateway_id }) => gateway_id },
  {
    id: 'event',
    header: 'Event',
    width: 'w-40',
    cell: ({ event_id }) => (event_id ? <IdText id={event_id} what="event id" copy={false} /> : '–'),
  },
  { id: 'bytes', header: 'Size', width: 'w-24', align: 'right', cell: ({ bytes }) => bytesText(bytes) },
  { id: 'attempts', header: 'Tried', width: 'w-20', align: 'right', cell: ({ attempts }) => countText(attempts) },
]
