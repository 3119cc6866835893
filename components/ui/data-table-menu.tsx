import type { RowData } from '@tanstack/react-table'
import { Settings2 } from 'lucide-react'
import { Button } from './button'
import type { Column } from './data-table'
import type { TableView } from './data-table-view'
import {
  DropdownMenu,
  DropdownMenuCheckboxItem,
  DropdownMenuContent,
  DropdownMenuItem,
  DropdownMenuLabel,
  DropdownMenuRadioGroup,
  DropdownMenuRadioItem,
  DropdownMenuSeparator,
  DropdownMenuTrigger,
} from './dropdown-menu'

type DataTableMenuProps<Row extends RowData> = {
  columns: readonly Column<Row>[]
  view: TableView
  /** Whether the order is chosen here, because there is no head to do it in. */
  sort: 'offered' | 'in the head'
}

/** Chooses columns, density and, where the table has no head, the order. */
export function DataTableMenu<Row extends RowData>({ columns, view, sort }: DataTableMenuProps<Row>) {
  const sortable = sort === 'offered' ? columns.filter(({ sortValue }) => sortValue) : []
  const [sorted] = view.sorting
  return (
    <DropdownMenu>
      <DropdownMenuTrigger asChild>
        <Button variant="ghost" className="text-fg-muted">
          <Settings2 /> <span className="max-sm:sr-only">Display</span>
        </Button>
      </DropdownMenuTrigger>
      <DropdownMenuContent>
        <DropdownMenuLabel>Columns</DropdownMenuLabel>
        {columns.slice(1).map((column) => (
          <DropdownMenuCheckboxItem
            key={column.id}
            checked={view.visibility[column.id] !== false}
            onCheckedChange={(checked) => view.setVisible(column.id, checked)}
            onSelect={(event) => event.preventDefault()}
          >
            {column.header}
          </DropdownMenuCheckboxItem>
        ))}
        {sortable.length > 0 && (
          <>
            <DropdownMenuSeparator />
            <DropdownMenuLabel>Order</DropdownMenuLabel>
            {sortable.map(({ id, header }) => (
              <DropdownMenuCheckboxItem
                key={id}
                checked={sorted?.id === id}
                onCheckedChange={() => view.toggleSort(id)}
                onSelect={(event) => event.preventDefault()}
              >
                {header}
                {sorted?.id === id && (sorted.desc ? ', descending' : ', ascending')}
              </DropdownMenuCheckboxItem>
            ))}
          </>
        )}
        <DropdownMenuSeparator />
        <DropdownMenuLabel>Density</DropdownMenuLabel>
        <DropdownMenuRadioGroup value={view.density} onValueChange={view.setDensity}>
          <DropdownMenuRadioItem value="regular">Regular</DropdownMenuRadioItem>
          <DropdownMenuRadioItem value="compact">Compact</DropdownMenuRadioItem>
        </DropdownMenuRadioGroup>
        <DropdownMenuSeparator />
        <DropdownMenuItem onSelect={view.reset}>Reset display</DropdownMenuItem>
      </DropdownMenuContent>
    </DropdownMenu>
  )
}
