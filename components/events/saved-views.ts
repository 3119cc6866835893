import { useSyncExternalStore } from 'react'
import { z } from 'zod'

/** How History is looked at, under a name: the part of its address after the question mark. */
export type SavedView = { name: string; query: string }

const KEY = 'keeptrusts.views.history'
export const VIEWS_MAX = 30
export const VIEW_NAME_MAX = 60
/** Beside these, everything in the address belongs to a view. */
const NOT_OF_A_VIEW = ['open', 'event']

const Stored = z
  .array(z.object({ name: z.string().min(1).max(VIEW_NAME_MAX), query: z.string().max(8_000) }))
  .max(VIEWS_MAX)

const listeners = new Set<() => void>()
const NONE: readonly SavedView[] = []
let read: { text: string | null; views: readonly SavedView[] } = { text: null, views: NONE }

/** The views that somebody saved in this browser, by name. */
export const useSavedViews = (): readonly SavedView[] => useSyncExternalStore(subscribe, savedViews, () => NONE)

/** @returns false when the browser would not keep it */
export const saveView = (view: SavedView): boolean =>
  write([...savedViews().filter(({ name }) => name !== view.name), view].slice(-VIEWS_MAX))

export const removeView = (name: string): boolean => write(savedViews().filter((view) => view.name !== name))

/** The address without what is of the moment; the same view always gives the same text. */
export function viewQuery(search: string): string {
  const params = new URLSearchParams(search)
  for (const name of NOT_OF_A_VIEW) params.delete(name)
  params.sort()
  return params.toString()
}

function savedViews(): readonly SavedView[] {
  const text = localStorage.getItem(KEY)
  if (text !== read.text) read = { text, views: parsed(text) }
  return read.views
}

/** What somebody else wrote there, or an older release, is no reason for a page to break. */
function parsed(text: string | null): readonly SavedView[] {
  try {
    const stored = Stored.safeParse(JSON.parse(text ?? '[]'))
    return stored.success ? stored.data.toSorted((a, b) => a.name.localeCompare(b.name)) : NONE
  } catch {
    return NONE // not JSON: as good as nothing
  }
}

function write(views: readonly SavedView[]): boolean {
  try {
    localStorage.setItem(KEY, JSON.stringify(views))
  } catch {
    return false // the browser's storage is full or closed
  }
  for (const notify of listeners) notify()
  return true
}

function subscribe(listener: () => void) {
  listeners.add(listener)
  window.addEventListener('storage', listener)
  return () => {
    listeners.delete(listener)
    window.removeEventListener('storage', listener)
  }
}
