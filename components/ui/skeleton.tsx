import type { ComponentProps } from 'react'
import { cn } from './cn'

/** Stands for content of the same shape that is on its way. */
export function Skeleton({ className, ...props }: ComponentProps<'div'>) {
  return <div aria-hidden className={cn('h-4 animate-pulse rounded-md bg-hover', className)} {...props} />
}
