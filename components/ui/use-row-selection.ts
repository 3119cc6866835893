'use client'

import { useState } from 'react'

export type RowSelection<Row> = {
  /** The chosen rows that are still there, in the order of the list. */
  rows: readonly Row[]
  has: (id: string) => boolean
  canChoose: (row: Row) => boolean
  toggle: (id: string) => void
  /** Whether all that can be chosen are; `some` when a part is. */
  extent: 'none' | 'some' | 'all'
  toggleAll: () => void
  /** There is nothing to choose, or nothing yet. */
  isEmpty: boolean
  clear: () => void
}

/** Rows chosen for an action on all of them. What a filter or a refresh takes out of the list is not chosen any more. */
export function useRowSelection<Row>(
  listed: readonly Row[] | undefined,
  rowId: (row: Row) => string,
  canChoose: (row: Row) => boolean,
): RowSelection<Row> {
  const [ids, setIds] = useState<ReadonlySet<string>>(new Set())
  const possible = listed?.filter(canChoose) ?? []
  const rows = possible.filter((row) => ids.has(rowId(row)))
  const extent = rows.length === 0 ? 'none' : rows.length === possible.length ? 'all' : 'some'
  return {
    rows,
    has: (id) => ids.has(id),
    canChoose,
    toggle: (id) => setIds((now) => now.symmetricDifference(new Set([id]))),
    extent,
    toggleAll: () => setIds(extent === 'all' ? new Set() : new Set(possible.map(rowId))),
    isEmpty: possible.length === 0,
    clear: () => setIds(new Set()),
  }
}
