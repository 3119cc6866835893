import type { RowData } from '@tanstack/react-table'
import type { ReactNode, Ref } from 'react'
import { cn } from './cn'
import type { Column } from './data-table'
import { type Selectable, SelectBox } from './data-table-selection'

type DataTableRowProps<Row extends RowData> = {
  row: Row
  id: string
  index: number
  columns: readonly Column<Row>[]
  /** Tailwind's height of a row that is no card. */
  height: string
  selectable: Selectable<Row> | undefined
  isSelected: boolean
  isInTabOrder: boolean
  /** A card whose cells stand one under the other, each with the name of its column: for windows as narrow as a phone's. */
  isCard: boolean
  /** Measures cards, which are as high as what they hold. */
  measure: Ref<HTMLTableRowElement>
  onFocus: () => void
  onSelect: ((id: string) => void) | undefined
}

// A table that is laid out as blocks is none for assistive technology, unless it is said to be.
const AS_ROW = { role: 'row' }
const AS_CELL = { role: 'cell' }

/** One row of a list, with its keys and clicks. */
export function DataTableRow<Row extends RowData>(props: DataTableRowProps<Row>) {
  const { row, id, index, columns, selectable, isSelected, isCard, onSelect } = props
  const [first, ...others] = columns
  return (
    <tr
      {...(isCard ? AS_ROW : {})}
      ref={isCard ? props.measure : undefined}
      data-index={index}
      data-row-index={index}
      aria-rowindex={index + 2}
      aria-current={isSelected ? 'true' : undefined}
      tabIndex={onSelect && props.isInTabOrder ? 0 : -1}
      onFocus={props.onFocus}
      onClick={(event) => isPlainClick(event) && onSelect?.(id)}
      onKeyDown={(event) => {
        if (event.target !== event.currentTarget) return
        if (event.key === 'x' && selectable?.selection.canChoose(row)) selectable.selection.toggle(id)
        if (event.key !== 'Enter') return
        // The sheet takes the focus at once, and the key press would go on to its first button.
        event.preventDefault()
        onSelect?.(id)
      }}
      className={cn(
        'group -outline-offset-2',
        // A card has room for all of a name, and no pointer to ask for what is cut.
        isCard &&
          'grid grid-cols-2 gap-x-3 gap-y-1.5 border-b px-3 py-2.5 [&_.truncate]:whitespace-normal [&_.truncate]:break-words',
        onSelect && 'cursor-pointer hover:bg-hover',
        isSelected && 'bg-selected hover:bg-selected',
      )}
    >
      {isCard ? (
        <>
          <td {...AS_CELL} className="col-span-2 flex min-w-0 items-start gap-3">
            {selectable && <SelectBox selectable={selectable} row={row} id={id} />}
            <span className="min-w-0 break-words">{first?.cell(row)}</span>
          </td>
          {others.map(({ id: column, header, align, cell }) => (
            <CardCell key={column} header={header} isNumber={align === 'right'}>
              {cell(row)}
            </CardCell>
          ))}
        </>
      ) : (
        <>
          {selectable && (
            <td className="border-b px-3">
              <SelectBox selectable={selectable} row={row} id={id} />
            </td>
          )}
          {columns.map((column) => (
            <td
              key={column.id}
              onPointerEnter={tellWhatIsCut}
              className={cn(
                'truncate border-b px-3',
                props.height,
                column.align === 'right' && 'text-right tabular-nums',
              )}
            >
              {column.cell(row)}
            </td>
          ))}
        </>
      )}
    </tr>
  )
}

const CardCell = ({ header, isNumber, children }: { header: string; isNumber: boolean; children: ReactNode }) => (
  <td {...AS_CELL} className={cn('min-w-0 break-words', isNumber && 'tabular-nums')}>
    <span className="block text-fg-muted text-xs">{header}</span>
    {children}
  </td>
)

/** Under the pointer a cell says all that it holds. Widths change with the window, so that is found out then. */
function tellWhatIsCut({ currentTarget: cell }: React.PointerEvent<HTMLTableCellElement>) {
  if (cell.scrollWidth > cell.clientWidth) cell.title = cell.textContent
  else cell.removeAttribute('title')
}

/** A click on a control inside the row, or the end of selecting text, is not a click on the row. */
function isPlainClick(event: React.MouseEvent) {
  const target = event.target instanceof Element ? event.target : null
  return !target?.closest('button, a, input, [role="checkbox"]') && !window.getSelection()?.toString()
}
