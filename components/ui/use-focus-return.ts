'use client'

import { useRef } from 'react'

/**
 * For dialogs that state opens, not a trigger of radix: they would leave the focus nowhere. It goes back to what had it,
 * or to the page where that is gone.
 */
export function useFocusReturn() {
  const opener = useRef<Element | null>(null)
  return {
    onOpenAutoFocus: () => {
      opener.current = document.activeElement
    },
    onCloseAutoFocus: (event: Event) => {
      event.preventDefault()
      const isThere = opener.current?.isConnected && opener.current !== document.body
      const target = isThere ? opener.current : document.getElementById('main')
      if (target instanceof HTMLElement) target.focus()
    },
  }
}
