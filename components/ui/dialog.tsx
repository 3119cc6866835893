'use client'

import { X } from 'lucide-react'
import { Dialog as Primitive } from 'radix-ui'
import type { ComponentProps, ReactNode } from 'react'
import { Button } from './button'
import { cn } from './cn'
import { useFocusReturn } from './use-focus-return'

export const Dialog = Primitive.Root
export const DialogClose = Primitive.Close

type DialogContentProps = Omit<ComponentProps<typeof Primitive.Content>, 'title'> & {
  title: ReactNode
  description?: ReactNode
  /** Buttons at the end, the safe one first. */
  footer?: ReactNode
}

export function DialogContent({ title, description, footer, className, children, ...props }: DialogContentProps) {
  const focusReturn = useFocusReturn()
  return (
    <Primitive.Portal>
      <Primitive.Overlay className="fixed inset-0 z-50 animate-fade-in bg-overlay" />
      <Primitive.Content
        className={cn(
          'fixed top-1/2 left-1/2 z-50 flex max-h-[calc(100dvh-2rem)] w-[calc(100vw-2rem)] max-w-lg -translate-x-1/2 -translate-y-1/2 animate-fade-in flex-col rounded-md border bg-raised shadow-overlay outline-none',
          className,
        )}
        {...(description ? {} : { 'aria-describedby': undefined })}
        {...focusReturn}
        {...props}
      >
        <div className="py-4 pr-12 pl-5">
          <Primitive.Title className="break-words font-semibold text-base">{title}</Primitive.Title>
          {description && (
            <Primitive.Description className="mt-1 text-fg-muted text-sm">{description}</Primitive.Description>
          )}
        </div>
        <div className="min-h-0 flex-1 overflow-y-auto px-5 pb-5">{children}</div>
        {footer && <div className="flex flex-wrap justify-end gap-2 border-t px-5 py-3">{footer}</div>}
        {/* Last in the tab order, so that a dialog opens with its first field in focus. */}
        <Primitive.Close asChild>
          <Button variant="ghost" size="icon-sm" aria-label="Close" className="absolute top-3.5 right-4">
            <X />
          </Button>
        </Primitive.Close>
      </Primitive.Content>
    </Primitive.Portal>
  )
}
