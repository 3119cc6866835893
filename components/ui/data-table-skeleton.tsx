import type { RowData } from '@tanstack/react-table'
import { cn } from './cn'
import type { Column } from './data-table'
import { Skeleton } from './skeleton'

const SKELETON_ROWS = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h']

type SkeletonRowsProps<Row extends RowData> = { columns: readonly Column<Row>[]; isSelectable: boolean; height: string }

/** What stands for rows that are on their way: as many as fill the smallest list. */
export function SkeletonRows<Row extends RowData>({ columns, isSelectable, height }: SkeletonRowsProps<Row>) {
  return SKELETON_ROWS.map((key) => (
    <tr key={key}>
      {isSelectable && <td className="border-b" />}
      {columns.map((column) => (
        <td key={column.id} className={cn('border-b px-3', height)}>
          <Skeleton className="w-3/4" />
        </td>
      ))}
    </tr>
  ))
}
