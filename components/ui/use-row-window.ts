'use client'

import { useVirtualizer, useWindowVirtualizer } from '@tanstack/react-virtual'
import { type RefObject, useEffect, useEffectEvent, useLayoutEffect, useRef, useState } from 'react'

type RowWindowOptions = {
  count: number
  /** What holds the rows: it scrolls them, unless the page does. */
  box: RefObject<HTMLElement | null>
  /**
   * The page scrolls the rows, and the box is as high as all of them. On a phone a box that scrolls would fill the
   * window and catch every swipe.
   */
  isOfPage: boolean
  rowPx: number
  /** What the heights of rows depend on; they are measured again when it changes. */
  shape: string
  /** The rows go back to the top when this changes. */
  topKey: string | undefined
  onScrolledAway: ((isAway: boolean) => void) | undefined
}

const OVERSCAN = 12
/** How far the first row has gone when it counts as out of view. */
const AWAY_PX = 40
/** The bar at the top of the page, which stays. */
const PAGE_BAR_PX = 48

/** The rows that are in view and a little more, and the room that the others take above and below. */
export function useRowWindow(options: RowWindowOptions) {
  const { count, box, isOfPage, rowPx, shape, topKey } = options
  const common = { count, estimateSize: () => rowPx, overscan: OVERSCAN }
  const topPx = useTopPx(box, isOfPage)
  const ofBox = useVirtualizer({ ...common, enabled: !isOfPage, getScrollElement: () => box.current })
  const ofPage = useWindowVirtualizer({
    ...common,
    enabled: isOfPage,
    scrollMargin: topPx,
    scrollPaddingStart: PAGE_BAR_PX,
  })
  const rows = isOfPage ? ofPage : ofBox
  const startPx = isOfPage ? topPx : 0
  useRemeasure(rows, shape)
  useScrollToTop(box, topKey)
  useScrolledAway(box, isOfPage, options.onScrolledAway)

  const items = rows.getVirtualItems()
  return {
    items,
    padTop: Math.max(0, (items[0]?.start ?? startPx) - startPx),
    padBottom: Math.max(0, rows.getTotalSize() - ((items.at(-1)?.end ?? startPx) - startPx)),
    measureElement: rows.measureElement,
    scrollToIndex: (index: number) => rows.scrollToIndex(index),
  }
}

/** Where the box begins on the page: what stands above it comes and goes. */
function useTopPx(box: RefObject<HTMLElement | null>, isOfPage: boolean): number {
  const [topPx, setTopPx] = useState(0)
  useLayoutEffect(() => {
    if (!isOfPage || !box.current) return
    setTopPx(Math.round(box.current.getBoundingClientRect().top + window.scrollY))
  })
  return topPx
}

/** The heights that the virtualizer knows: rows that became cards, or are of another density, have others. */
function useRemeasure(virtualizer: { measure: () => void }, shape: string) {
  const seen = useRef(shape)
  useEffect(() => {
    if (seen.current === shape) return
    seen.current = shape
    virtualizer.measure()
  }, [virtualizer, shape])
}

function useScrollToTop(box: RefObject<HTMLElement | null>, topKey: string | undefined) {
  const seen = useRef(topKey)
  useEffect(() => {
    if (seen.current === topKey) return
    seen.current = topKey
    box.current?.scrollTo({ top: 0 })
    if ((box.current?.getBoundingClientRect().top ?? 0) < 0) box.current?.scrollIntoView({ block: 'start' })
  }, [box, topKey])
}

function useScrolledAway(
  box: RefObject<HTMLElement | null>,
  isOfPage: boolean,
  onScrolledAway: ((isAway: boolean) => void) | undefined,
) {
  const tell = useEffectEvent(() => {
    if (!box.current) return
    onScrolledAway?.((isOfPage ? -box.current.getBoundingClientRect().top : box.current.scrollTop) > AWAY_PX)
  })
  // The scroll position, of the box or of the page.
  useEffect(() => {
    const scrolled = isOfPage ? window : box.current
    const listener = () => tell()
    scrolled?.addEventListener('scroll', listener, { passive: true })
    return () => scrolled?.removeEventListener('scroll', listener)
  }, [box, isOfPage])
}
