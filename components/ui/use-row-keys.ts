'use client'

import { type RefObject, useEffect, useEffectEvent, useRef, useState } from 'react'

type RowKeysOptions = {
  count: number
  /** -1 when no sheet is open. */
  selectedIndex: number
  container: RefObject<HTMLElement | null>
  scrollTo: (index: number) => void
  onOpen: (index: number) => void
}

/** `j`/`k` and the arrows walk through the rows; while a sheet is open it follows. One row is in the tab order. */
export function useRowKeys({ count, selectedIndex, container, scrollTo, onOpen }: RowKeysOptions) {
  const [active, setActiveIndex] = useState(0)
  const activeIndex = Math.min(active, Math.max(0, count - 1))

  const focusRow = (index: number) =>
    container.current?.querySelector<HTMLElement>(`[data-row-index="${index}"]`)?.focus()

  const move = (to: number) => {
    setActiveIndex(to)
    scrollTo(to)
    if (selectedIndex >= 0) return onOpen(to)
    requestAnimationFrame(() => focusRow(to))
  }

  const isOpen = selectedIndex >= 0
  const takeFocusBack = useEffectEvent(() => {
    if (document.activeElement === document.body) focusRow(activeIndex)
  })
  const wasOpen = useRef(isOpen)
  useEffect(() => {
    // The sheet is gone with the next frame, and the focus with it: the row that it showed goes on from there.
    if (wasOpen.current && !isOpen) requestAnimationFrame(() => takeFocusBack())
    wasOpen.current = isOpen
  }, [isOpen])

  const onKey = useEffectEvent((event: KeyboardEvent) => {
    const step = stepOf(event)
    if (step === 0 || count === 0 || !isForTable(event, container.current)) return
    event.preventDefault()
    // The row in focus says where it stands now: a list that grows at the top has moved it.
    const focused = document.activeElement?.closest<HTMLElement>('[data-row-index]')
    const hasFocus = focused !== undefined && focused !== null && container.current?.contains(focused) === true
    const focusedIndex = hasFocus ? Number(focused.dataset.rowIndex) : activeIndex - step
    const from = selectedIndex >= 0 ? selectedIndex : focusedIndex
    move(Math.min(count - 1, Math.max(0, from + step)))
  })

  useEffect(() => {
    const listener = (event: KeyboardEvent) => onKey(event)
    window.addEventListener('keydown', listener)
    return () => window.removeEventListener('keydown', listener)
  }, [])

  return { activeIndex, setActiveIndex }
}

function stepOf(event: KeyboardEvent) {
  if (event.ctrlKey || event.metaKey || event.altKey) return 0
  const inRow = event.target instanceof Element && event.target.matches('tr')
  if (event.key === 'j' || (inRow && event.key === 'ArrowDown')) return 1
  if (event.key === 'k' || (inRow && event.key === 'ArrowUp')) return -1
  return 0
}

/** Not while somebody types, and not behind a modal dialog (radix hides what is behind it). */
function isForTable(event: KeyboardEvent, container: HTMLElement | null) {
  const target = event.target instanceof HTMLElement ? event.target : null
  if (target?.matches('input, textarea, select') || target?.isContentEditable) return false
  if (target?.closest('[role="menu"], [role="listbox"]')) return false
  return container !== null && container.closest('[aria-hidden="true"]') === null
}
