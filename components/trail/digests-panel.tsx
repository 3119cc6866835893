'use client'

import { useInfiniteQuery } from '@tanstack/react-query'
import { useEffect, useMemo } from 'react'
import type { z } from 'zod'
import { Callout } from '@/components/ui/callout'
import { type Column, DataTable } from '@/components/ui/data-table'
import { EmptyState } from '@/components/ui/empty-state'
import { IdText } from '@/components/ui/id-text'
import { RelativeTime, useNow } from '@/components/ui/relative-time'
import { describeTimeRange, useTimeRange } from '@/components/ui/time-range'
import { TimeRangePicker } from '@/components/ui/time-range-picker'
import { resolveWhen } from '@/lib/contract/fields'
import type { trail } from '@/lib/contract/trail'
import type { TrailDigestSummary } from '@/lib/contract/trail-shapes'
import { type DigestGap, digestGaps, gapWords } from './digest-gaps'
import { DigestStrip } from './digest-strip'
import { DIGESTS_PER_PAGE, trailQueries } from './trail-queries'
import { countWords, rangeWords, timeWords } from './trail-words'

type DigestsPanelProps = {
  status: z.output<typeof trail.status.output> | undefined
  openId: string | null
  onOpen: (id: string | null) => void
}

/** How many digests are read by themselves, so that the line is whole; more come when they are scrolled to. */
const LOADED_MAX = 10 * DIGESTS_PER_PAGE
/** A digest that is due is signed within minutes. */
const LATE_MS = 5 * 60_000

export function DigestsPanel({ status, openId, onOpen }: DigestsPanelProps) {
  const { range, setRange, isDefault } = useTimeRange('7d')
  const query = useInfiniteQuery({
    ...trailQueries.digests(range),
    refetchInterval: ({ state }) => (state.data?.pages.length === 1 && range.until === undefined ? 30_000 : false),
  })
  const digests = useMemo(() => query.data?.pages.flatMap((page) => page.items), [query.data])
  useLoadAll(query, digests?.length ?? 0)

  const now = useNow()
  const from = resolveWhen(range.since, new Date(now)).getTime()
  const until = range.until ? resolveWhen(range.until, new Date(now)).getTime() : now
  const isWhole = digests !== undefined && !query.hasNextPage
  const gaps = useMemo(
    () => digestGaps(digests ?? [], { from: isWhole ? new Date(from).toISOString() : null }),
    [digests, isWhole, from],
  )
  // Before the first digest there was nothing to cover.
  const first = isWhole ? digests.find(({ number }) => number === 0) : undefined
  const drawnFrom = first ? Math.max(from, Date.parse(first.period_start)) : from
  const rows = useMemo(() => digests && withGaps(digests, gaps), [digests, gaps])
  const dueAt = status?.next_digest_due_at
  const isLate = status !== undefined && status.undigested > 0 && dueAt != null && now > Date.parse(dueAt) + LATE_MS
  return (
    <div className="flex flex-col gap-3">
      {gaps.length > 0 && (
        <Callout tone="danger" role="alert">
          <p className="font-medium">Missing: {gaps.map(gapWords).join(', ')}.</p>
          <p className="mt-0.5 text-xs">
            Digests are numbered without gaps and nothing here deletes one. Verify the range to learn what else is
            missing.
          </p>
        </Callout>
      )}
      {isLate && (
        <Callout tone="warn" role="status">
          A digest has been due since {timeWords(dueAt)}, and {countWords(status.undigested)} records wait for it.
        </Callout>
      )}
      {digests && digests.length > 0 && (
        <DigestStrip digests={digests} gaps={gaps} from={drawnFrom} until={until} openId={openId} />
      )}
      <DataTable
        label="Digests"
        columns={COLUMNS}
        rows={rows}
        rowId={(row) => (row.kind === 'gap' ? row.gap.id : row.digest.digest_id)}
        error={query.error}
        onRetry={() => void query.refetch()}
        more={{
          hasMore: query.hasNextPage,
          isLoading: query.isFetchingNextPage,
          load: () => void query.fetchNextPage(),
          error: query.isFetchNextPageError ? query.error : undefined,
        }}
        selectedId={openId}
        onSelect={(id) => (id === null || id.startsWith('dig_')) && onOpen(id)}
        toolbar={<TimeRangePicker range={range} onChange={setRange} />}
        isFiltered={!isDefault && status?.last_digest != null}
        onClearFilter={() => setRange(null)}
        minWidth="min-w-6xl"
        empty={
          <EmptyState title={`No digests (${describeTimeRange(range)})`} command="kt trail digests">
            A digest is signed at every full hour over all records so far, and whenever somebody asks for one.
          </EmptyState>
        }
      />
    </div>
  )
}

type Row = { kind: 'digest'; digest: TrailDigestSummary } | { kind: 'gap'; gap: DigestGap }

/** A gap is a row of its own, in the place where its digests would be. */
function withGaps(digests: readonly TrailDigestSummary[], gaps: readonly DigestGap[]): Row[] {
  const rows: Row[] = digests.map((digest) => ({ kind: 'digest', digest }))
  for (const gap of gaps) {
    const at = rows.findIndex((row) => row.kind === 'digest' && row.digest.number < gap.last)
    rows.splice(at === -1 ? rows.length : at, 0, { kind: 'gap', gap })
  }
  return rows
}

const COLUMNS: Column<Row>[] = [
  {
    id: 'number',
    header: 'Number',
    width: 'w-24',
    cell: (row) =>
      row.kind === 'digest' ? (
        <span className="font-medium tabular-nums">{row.digest.number}</span>
      ) : (
        <span className="font-medium text-danger-text">Missing</span>
      ),
  },
  {
    id: 'period',
    header: 'Period',
    width: 'w-92',
    cell: (row) =>
      row.kind === 'digest' ? (
        <span suppressHydrationWarning>{rangeWords(row.digest.period_start, row.digest.period_end)}</span>
      ) : (
        <span className="inline-block text-danger-text first-letter:uppercase">{gapWords(row.gap)}</span>
      ),
  },
  {
    id: 'records',
    header: 'Records',
    width: 'w-24',
    align: 'right',
    cell: (row) => (row.kind === 'digest' ? countWords(row.digest.event_count) : ''),
  },
  {
    id: 'places',
    header: 'Places',
    width: 'w-44',
    cell: (row) => (row.kind === 'digest' ? placesOf(row.digest) : ''),
  },
  {
    id: 'size',
    header: 'Tree size',
    width: 'w-28',
    align: 'right',
    cell: (row) => (row.kind === 'digest' ? countWords(row.digest.tree_size) : ''),
  },
  {
    id: 'root',
    header: 'Root',
    cell: (row) => (row.kind === 'digest' ? <IdText id={row.digest.root_hash} what="root" copy={false} /> : ''),
  },
  {
    id: 'kid',
    header: 'Key',
    width: 'w-44',
    optional: true,
    cell: (row) => (row.kind === 'digest' ? <IdText id={row.digest.kid} what="key id" copy={false} /> : ''),
  },
  {
    id: 'signed',
    header: 'Signed',
    width: 'w-28',
    cell: (row) => (row.kind === 'digest' ? <RelativeTime at={row.digest.created_at} focusable={false} /> : ''),
  },
]

const placesOf = ({ event_count, seq_start, seq_end }: TrailDigestSummary) =>
  event_count === 0 ? 'None' : `${countWords(seq_start)} – ${countWords(seq_end)}`

type Pages = Pick<
  ReturnType<typeof useInfiniteQuery>,
  'hasNextPage' | 'isFetchingNextPage' | 'isFetchNextPageError' | 'fetchNextPage'
>

/** Reads on until the range is whole: a line with a part left out would look like a gap. */
function useLoadAll({ hasNextPage, isFetchingNextPage, isFetchNextPageError, fetchNextPage }: Pages, loaded: number) {
  useEffect(() => {
    if (hasNextPage && !isFetchingNextPage && !isFetchNextPageError && loaded < LOADED_MAX) void fetchNextPage()
  }, [hasNextPage, isFetchingNextPage, isFetchNextPageError, fetchNextPage, loaded])
}
