'use client'

import type { RowData } from '@tanstack/react-table'
import { parseAsArrayOf, parseAsString, useQueryStates } from 'nuqs'
import { useMemo, useSyncExternalStore } from 'react'
import type { Column } from './data-table'

export type TableView = ReturnType<typeof useTableView>

const parsers = { cols: parseAsArrayOf(parseAsString), sort: parseAsString }

/**
 * How a table is looked at: columns (`cols=name,status`) and sort (`sort=-created`) in the URL, density in the browser.
 * Names that no column has are ignored: a bad link never breaks a page.
 */
export function useTableView<Row extends RowData>(columns: readonly Column<Row>[]) {
  const [{ cols, sort }, setUrl] = useQueryStates(parsers)
  const density = useDensity()

  const visibility = useMemo(() => {
    const known = cols?.filter((id) => columns.some((column) => column.id === id)) ?? []
    const isVisible = (column: Column<Row>, index: number) =>
      index === 0 || (known.length > 0 ? known.includes(column.id) : !column.optional)
    return Object.fromEntries(columns.map((column, index) => [column.id, isVisible(column, index)]))
  }, [cols, columns])

  const sorting = useMemo(() => {
    const id = sort?.replace(/^-/, '')
    const isKnown = columns.some((column) => column.id === id && column.sortValue)
    return id && isKnown ? [{ id, desc: sort?.startsWith('-') === true }] : []
  }, [sort, columns])

  return {
    visibility,
    sorting,
    density,
    setDensity,
    setVisible: (id: string, visible: boolean) => {
      const next = columns
        .filter((column) => (column.id === id ? visible : visibility[column.id]))
        .map((column) => column.id)
      void setUrl({ cols: next })
    },
    /** Ascending, descending, as the list came. */
    toggleSort: (id: string) => void setUrl({ sort: sort === id ? `-${id}` : sort === `-${id}` ? null : id }),
    reset: () => {
      setDensity('regular')
      void setUrl({ cols: null, sort: null })
    },
  }
}

const KEY = 'keeptrusts.density'
const listeners = new Set<() => void>()

export type Density = 'regular' | 'compact'

const useDensity = () =>
  useSyncExternalStore<Density>(
    (listener) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    () => (localStorage.getItem(KEY) === 'compact' ? 'compact' : 'regular'),
    () => 'regular',
  )

function setDensity(density: string) {
  localStorage.setItem(KEY, density)
  for (const notify of listeners) notify()
}
