'use client'

import { Tabs as Primitive } from 'radix-ui'
import type { ComponentProps } from 'react'
import { cn } from './cn'

export const Tabs = Primitive.Root

/** Everything in it that can be used is in the tab order; the whole of it would only be a step more, and scroll the page. */
export const TabsContent = (props: ComponentProps<typeof Primitive.Content>) => (
  <Primitive.Content tabIndex={-1} {...props} />
)

export function TabsList({ className, ...props }: ComponentProps<typeof Primitive.List>) {
  return <Primitive.List className={cn('flex gap-4 overflow-x-auto border-b', className)} {...props} />
}

export function TabsTrigger({ className, ...props }: ComponentProps<typeof Primitive.Trigger>) {
  return (
    <Primitive.Trigger
      className={cn(
        '-mb-px inline-flex items-center gap-1.5 whitespace-nowrap border-transparent border-b-2 py-2 text-fg-muted text-sm hover:text-fg focus-visible:outline-offset-[-2px] data-[state=active]:border-accent data-[state=active]:font-medium data-[state=active]:text-fg',
        className,
      )}
      {...props}
    />
  )
}
