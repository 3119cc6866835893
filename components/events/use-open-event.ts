'use client'

import { parseAsString, useQueryStates } from 'nuqs'

const parsers = { open: parseAsString, event: parseAsString }

/** The event whose sheet is open: `?open=evt_…` as on every page, or `?event=evt_…` in links made by hand. */
export function useOpenEvent(): [string | null, (id: string | null) => void] {
  const [{ open, event }, setUrl] = useQueryStates(parsers)
  const id = open ?? event
  // Walking through rows leaves one step to go back, not one for each row.
  const setId = (next: string | null) =>
    void setUrl({ open: next, event: null }, { history: id === null ? 'push' : 'replace' })
  return [id, setId]
}
