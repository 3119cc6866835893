import type { ReactNode } from 'react'
import { Button } from './button'
import { Checkbox } from './checkbox'
import type { RowSelection } from './use-row-selection'

/** What a table needs to let rows be chosen. */
export type Selectable<Row> = {
  selection: RowSelection<Row>
  /** Names a row for those who cannot see it, such as `the key ci-pipeline`. */
  nameOf: (row: Row) => string
  /** What can be done with the chosen rows. */
  actions: ReactNode
  /** `keys`, for the words around a count. */
  noun: { one: string; many: string }
}

/** The bar above the rows while some are chosen: how many, and what can be done with them. */
export function SelectionBar<Row>({ selectable: { selection, actions, noun } }: { selectable: Selectable<Row> }) {
  const { length } = selection.rows
  return (
    <div
      role="status"
      className={
        length > 0
          ? 'flex flex-wrap items-center gap-2 rounded-md border border-accent bg-selected px-3 py-1.5'
          : 'sr-only'
      }
    >
      <span className="text-sm">{length > 0 && `${length} ${length === 1 ? noun.one : noun.many} chosen`}</span>
      {length > 0 && (
        <>
          {actions}
          <Button size="sm" variant="ghost" onClick={selection.clear}>
            Choose none
          </Button>
        </>
      )}
    </div>
  )
}

export function SelectAllBox<Row>({ selectable: { selection, noun } }: { selectable: Selectable<Row> }) {
  return (
    <Checkbox
      className="align-middle"
      aria-label={`Choose all ${noun.many} listed`}
      checked={selection.extent === 'some' ? 'indeterminate' : selection.extent === 'all'}
      disabled={selection.isEmpty}
      onCheckedChange={selection.toggleAll}
    />
  )
}

export function SelectBox<Row>({ selectable, row, id }: { selectable: Selectable<Row>; row: Row; id: string }) {
  const { selection, nameOf } = selectable
  if (!selection.canChoose(row)) return null
  return (
    <Checkbox
      className="align-middle"
      aria-label={`Choose ${nameOf(row)}`}
      checked={selection.has(id)}
      onCheckedChange={() => selection.toggle(id)}
    />
  )
}
