import type { RowData } from '@tanstack/react-table'
import { ArrowDown, ArrowUp } from 'lucide-react'
import { cn } from './cn'
import type { Column } from './data-table'
import { SelectAllBox, type Selectable } from './data-table-selection'
import type { TableView } from './data-table-view'

type DataTableHeadProps<Row extends RowData> = {
  columns: readonly Column<Row>[]
  view: TableView
  canSort: boolean
  selectable: Selectable<Row> | undefined
}

export function DataTableHead<Row extends RowData>({ columns, view, canSort, selectable }: DataTableHeadProps<Row>) {
  const [sorted] = canSort ? view.sorting : []
  return (
    <thead className="sticky top-0 z-10">
      <tr>
        {selectable && (
          <th scope="col" className="h-8 w-10 border-b bg-sunken px-3 text-left">
            <SelectAllBox selectable={selectable} />
          </th>
        )}
        {columns.map((column) => {
          const direction = sorted?.id === column.id ? (sorted.desc ? 'descending' : 'ascending') : undefined
          return (
            <th
              key={column.id}
              scope="col"
              aria-sort={direction}
              className={cn(
                'h-8 truncate border-b bg-sunken px-3 text-left font-medium text-fg-muted text-xs',
                column.width,
                column.align === 'right' && 'text-right',
              )}
            >
              {column.sortValue && canSort ? (
                <button
                  type="button"
                  onClick={() => view.toggleSort(column.id)}
                  className="inline-flex max-w-full items-center gap-1 rounded-md hover:text-fg"
                >
                  <span className="truncate">{column.header}</span>
                  {direction === 'ascending' && <ArrowUp aria-hidden className="size-3" />}
                  {direction === 'descending' && <ArrowDown aria-hidden className="size-3" />}
                </button>
              ) : (
                column.header
              )}
            </th>
          )
        })}
      </tr>
    </thead>
  )
}
