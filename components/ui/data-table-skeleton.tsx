import type { RowData } from '@tanstack/react-table'
import type { Column } from './data-table'
import { Skeleton } from './skeleton'

const SKELETON_ROWS = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h']

type SkeletonRowsProps<Row extends RowData> = { columns: readonly Column<Row>[]; isSelectable: boolean }

/** What stands for rows that are on their way: as many as fill the smallest list. */
export function SkeletonRows<Row extends RowData>({ columns, isSelectable }: SkeletonRowsProps<Row>) {
  return SKELETON_ROWS.map((key) => (
    <tr key={key}>
      {isSelectable && <td className="border-b" />}
      {columns.map((column) => (
        <td key={column.id} className="h-9 border-b px-3">
          <Skeleton className="w-3/4" />
        </td>
      ))}
    </tr>
  ))
}
