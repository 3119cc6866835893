'use client'

import { useSyncExternalStore } from 'react'

/** Below the breakpoint `sm`. */
const QUERY = '(max-width: 639px)'

/** Whether the window is as narrow as a phone's; the server takes it for wide. */
export const useNarrow = () =>
  useSyncExternalStore(
    (listener) => {
      const media = window.matchMedia(QUERY)
      media.addEventListener('change', listener)
      return () => media.removeEventListener('change', listener)
    },
    () => window.matchMedia(QUERY).matches,
    () => false,
  )
