'use client'

import { useSyncExternalStore } from 'react'
import { rememberPreference, THEME_COOKIE, type Theme, toTheme } from './preference'

const listeners = new Set<() => void>()

/** `data-theme` on the root element is the truth; the server wrote it from the cookie. */
export function useTheme(): [Theme, (theme: Theme) => void] {
  const theme = useSyncExternalStore(
    (listener) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    () => toTheme(document.documentElement.dataset.theme),
    () => 'system' as const,
  )
  return [theme, setTheme]
}

function setTheme(theme: Theme) {
  document.documentElement.dataset.theme = theme
  rememberPreference(THEME_COOKIE, theme)
  for (const notify of listeners) notify()
}
