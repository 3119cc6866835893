'use client'

import {
  columnVisibilityFeature,
  createSortedRowModel,
  type RowData,
  rowSortingFeature,
  tableFeatures,
  useTable,
} from '@tanstack/react-table'
import { type ReactNode, useEffect, useMemo, useRef } from 'react'
import { Button } from './button'
import { cn } from './cn'
import { DataTableHead } from './data-table-head'
import { DataTableMenu } from './data-table-menu'
import { DataTableRow } from './data-table-row'
import { SelectAllBox, type Selectable, SelectionBar } from './data-table-selection'
import { SkeletonRows } from './data-table-skeleton'
import { useTableView } from './data-table-view'
import { EmptyState } from './empty-state'
import { ErrorState } from './error-state'
import { useNarrow } from './use-narrow'
import { useRowKeys } from './use-row-keys'
import { useRowWindow } from './use-row-window'

export type Column<Row extends RowData> = {
  id: string
  header: string
  cell: (row: Row) => ReactNode
  /** A Tailwind width such as `w-40`; a column without one takes what is left. */
  width?: string
  align?: 'right'
  /** Hidden until chosen. */
  optional?: boolean
  /** Makes the column sortable once the whole list is loaded: a page of a longer list cannot be sorted honestly. */
  sortValue?: (row: Row) => string | number | null
}

export type DataTableProps<Row extends RowData> = {
  /** The accessible name, such as `Gateway keys`. */
  label: string
  columns: readonly Column<Row>[]
  /** undefined while the first page loads. */
  rows: readonly Row[] | undefined
  rowId: (row: Row) => string
  error?: unknown
  onRetry?: () => void
  /** What this is and how to get the first one. */
  empty: ReactNode
  isFiltered?: boolean
  onClearFilter?: () => void
  /**
   * `error` says why the last page did not come; rows then wait for a person to ask again. So they do when `waits` is set,
   * because the next page costs more than scrolling should.
   */
  more?: { hasMore: boolean; isLoading: boolean; load: () => void; error?: unknown; waits?: boolean }
  /** Stands instead of "Nothing matches this filter", where that is not certain yet. */
  filteredEmpty?: ReactNode
  /** Whether the first rows are out of view, for lists that grow at the top. */
  onScrolledAway?: (isAway: boolean) => void
  /** The rows go back to the top when this changes, such as the filter. */
  topKey?: string
  /** The row whose sheet is open; keep it in the URL. */
  selectedId?: string | null
  onSelect?: (id: string | null) => void
  /** Lets rows be chosen for an action on all of them; `x` chooses the row in focus. */
  selectable?: Selectable<Row> | undefined
  /** Stands above the rows, beside the column chooser. */
  toolbar?: ReactNode
  /** Below this width the table scrolls sideways, unless rows are cards; a Tailwind class. */
  minWidth?: string
  /** The height at which rows begin to scroll; a Tailwind class. */
  maxHeight?: string
  /** Whether cells hold two lines. */
  isTall?: boolean
}

const features = tableFeatures({
  columnVisibilityFeature,
  rowSortingFeature,
  sortedRowModel: createSortedRowModel(),
})

const NO_ROWS: never[] = []

/** Of rows that are no cards, by density: Tailwind's height, and the same in pixels at 14 of them per rem. */
const ROW_HEIGHTS = {
  regular: { className: 'h-9', px: 31.5 },
  compact: { className: 'h-7', px: 24.5 },
  tall: { className: 'h-12', px: 42 },
}

/** Of a card: what stands around its cells, and a line of two of them. Each is measured once it is drawn. */
const CARD_PX = 44
const CARD_LINE_PX = 44

/**
 * The one list. Draws loading, empty, filtered-empty and error apart; keeps columns and sort in the URL (`cols`, `sort`);
 * renders only the rows in view; loads the next page when the end comes near. In windows as narrow as a phone's a row is a card.
 * Keys: `j`/`k` or arrows move, `Enter` opens, `Esc` closes the sheet, `x` chooses.
 */
export function DataTable<Row extends RowData>(props: DataTableProps<Row>) {
  const { label, columns, rows, rowId, more, selectedId = null, onSelect, toolbar, selectable } = props
  const scrollRef = useRef<HTMLDivElement>(null)
  const view = useTableView(columns)
  const isCards = useNarrow()
  const height = ROW_HEIGHTS[props.isTall ? 'tall' : view.density]
  const canSort = rows !== undefined && !more?.hasMore

  const table = useTable({
    features,
    columns: useMemo(
      () =>
        columns.map((column) => ({
          id: column.id,
          accessorFn: (row: Row) => column.sortValue?.(row) ?? null,
          enableSorting: Boolean(column.sortValue),
          sortFn: (a: { getValue: (id: string) => unknown }, b: { getValue: (id: string) => unknown }, id: string) =>
            compare(a.getValue(id), b.getValue(id)),
        })),
      [columns],
    ),
    data: rows ?? NO_ROWS,
    getRowId: rowId,
    state: { columnVisibility: view.visibility, sorting: canSort ? view.sorting : NO_ROWS },
  })
  const shown = table.getRowModel().rows
  const shownColumns = columns.filter((column) => view.visibility[column.id] !== false)
  const span = shownColumns.length + (selectable ? 1 : 0)

  const { items, padTop, padBottom, measureElement, scrollToIndex } = useRowWindow({
    count: shown.length,
    box: scrollRef,
    isOfPage: isCards,
    rowPx: isCards ? CARD_PX + CARD_LINE_PX * Math.ceil((shownColumns.length - 1) / 2) : height.px,
    shape: isCards ? 'cards' : height.className,
    topKey: props.topKey,
    onScrolledAway: props.onScrolledAway,
  })
  const lastIndex = items.at(-1)?.index ?? 0
  useLoadNearEnd(lastIndex >= shown.length - 8 && shown.length > 0, more)

  const { activeIndex, setActiveIndex } = useRowKeys({
    count: shown.length,
    selectedIndex: shown.findIndex((row) => row.id === selectedId),
    container: scrollRef,
    scrollTo: scrollToIndex,
    onOpen: (index) => onSelect?.(shown[index]?.id ?? null),
  })

  const state = tableState(props)
  return (
    <section aria-label={label} className="flex min-w-0 flex-col gap-2">
      <div className="flex items-start justify-between gap-2">
        <div className="flex min-w-0 flex-1 flex-wrap items-center gap-2">{toolbar}</div>
        <DataTableMenu columns={columns} view={view} sort={isCards && canSort ? 'offered' : 'in the head'} />
      </div>
      {selectable && <SelectionBar selectable={selectable} />}
      {selectable && isCards && state === 'rows' && (
        <div className="flex items-center gap-3 px-3 text-fg-muted text-xs">
          <SelectAllBox selectable={selectable} /> All
        </div>
      )}
      <div
        ref={scrollRef}
        className={cn(
          'rounded-md border bg-surface',
          isCards
            ? 'scroll-mt-14 overflow-clip'
            : cn('overflow-auto', props.maxHeight ?? 'max-h-[max(20rem,calc(100dvh-12.5rem))]'),
        )}
      >
        {state === 'error' ? (
          <ErrorState error={props.error} onRetry={props.onRetry} />
        ) : state === 'empty' ? (
          props.empty
        ) : state === 'filtered-empty' ? (
          (props.filteredEmpty ?? (
            <EmptyState
              title="Nothing matches this filter"
              action={props.onClearFilter && <Button onClick={props.onClearFilter}>Clear filter</Button>}
            />
          ))
        ) : (
          <table
            role={isCards ? 'table' : undefined}
            className={cn(
              'w-full text-sm',
              isCards ? 'block' : cn('table-fixed border-separate border-spacing-0', props.minWidth ?? 'min-w-4xl'),
            )}
            aria-rowcount={more?.hasMore ? -1 : shown.length + 1}
            aria-busy={state === 'loading'}
          >
            <caption className="sr-only">{label}</caption>
            {!isCards && <DataTableHead columns={shownColumns} view={view} canSort={canSort} selectable={selectable} />}
            <tbody role={isCards ? 'rowgroup' : undefined} className={isCards ? 'block' : undefined}>
              {state === 'loading' && (
                <SkeletonRows
                  columns={isCards ? shownColumns.slice(0, 1) : shownColumns}
                  isSelectable={selectable !== undefined && !isCards}
                  height={height.className}
                />
              )}
              {padTop > 0 && <Spacer height={padTop} span={span} />}
              {items.map((item) => {
                const row = shown[item.index]
                if (!row) return null
                return (
                  <DataTableRow
                    key={row.id}
                    row={row.original}
                    id={row.id}
                    index={item.index}
                    columns={shownColumns}
                    height={height.className}
                    selectable={selectable}
                    isSelected={row.id === selectedId}
                    isInTabOrder={item.index === activeIndex}
                    isCard={isCards}
                    measure={measureElement}
                    onFocus={() => setActiveIndex(item.index)}
                    onSelect={onSelect}
                  />
                )
              })}
              {padBottom > 0 && <Spacer height={padBottom} span={span} />}
            </tbody>
          </table>
        )}
        {more?.hasMore && !more.waits && state === 'rows' && (
          <div className="sticky left-0 flex justify-center py-1">
            <Button variant="ghost" size="sm" onClick={more.load} disabled={more.isLoading}>
              {more.isLoading ? 'Loading more…' : 'Load more'}
            </Button>
          </div>
        )}
      </div>
    </section>
  )
}

function tableState<Row extends RowData>({ rows, error, isFiltered }: DataTableProps<Row>) {
  if (rows === undefined) return error ? 'error' : 'loading'
  if (rows.length > 0) return 'rows'
  return isFiltered ? 'filtered-empty' : 'empty'
}

/** Numbers by size, words by alphabet, what is missing last. */
function compare(a: unknown, b: unknown): number {
  if (a === b) return 0
  if (a === null) return 1
  if (b === null) return -1
  return typeof a === 'number' && typeof b === 'number' ? a - b : String(a).localeCompare(String(b))
}

/** Fetches the next page when the last rows come into view. */
function useLoadNearEnd(isNear: boolean, more: DataTableProps<RowData>['more']) {
  useEffect(() => {
    if (isNear && more?.hasMore && !more.isLoading && !more.error && !more.waits) more.load()
  }, [isNear, more])
}

function Spacer({ height, span }: { height: number; span: number }) {
  return (
    <tr aria-hidden style={{ height }}>
      <td colSpan={span} className="p-0" />
    </tr>
  )
}
