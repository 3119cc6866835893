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

/** Chooses columns and density. */
export function DataTableMenu<Row extends RowData>({
  columns,
  view,
}: {
  columns: readonly Column<Row>[]
  view: TableView
}) {
  return (
    <DropdownMenu>
      <DropdownMenuTrigger asChild>
        <Button variant="ghost" className="text-fg-muted">
          <Settings2 /> <span className="max-sm:sr-only">View</span>
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
        <DropdownMenuSeparator />
        <DropdownMenuLabel>Density</DropdownMenuLabel>
        <DropdownMenuRadioGroup value={view.density} onValueChange={view.setDensity}>
          <DropdownMenuRadioItem value="regular">Regular</DropdownMenuRadioItem>
          <DropdownMenuRadioItem value="compact">Compact</DropdownMenuRadioItem>
        </DropdownMenuRadioGroup>
        <DropdownMenuSeparator />
        <DropdownMenuItem onSelect={view.reset}>Reset view</DropdownMenuItem>
      </DropdownMenuContent>
    </DropdownMenu>
  )
}
