import type { ComponentProps } from 'react'
import { cn } from './cn'

// What scrolls must be reachable without a pointer (WCAG 2.1.1), though it is no control.
const focusable = { tabIndex: 0 }

/** A named box that scrolls its content. */
export const ScrollRegion = ({ className, ...props }: ComponentProps<'section'> & { 'aria-label': string }) => (
  <section {...focusable} className={cn('overflow-auto rounded-md border', className)} {...props} />
)
