'use client'

import { X } from 'lucide-react'
import { Dialog as Primitive } from 'radix-ui'
import type { ReactNode } from 'react'
import { Button } from './button'
import { cn } from './cn'

type SheetProps = {
  open: boolean
  onClose: () => void
  title: ReactNode
  /** Stands under the title: id, status. */
  subtitle?: ReactNode
  actions?: ReactNode
  className?: string
  children: ReactNode
}

/**
 * The side sheet of a list row. Not modal: the list beside it stays usable, so that `j` and `k` walk through the rows
 * while the sheet shows each. `Esc` closes.
 */
export function Sheet({ open, onClose, title, subtitle, actions, className, children }: SheetProps) {
  return (
    <Primitive.Root open={open} onOpenChange={(next) => !next && onClose()} modal={false}>
      <Primitive.Portal>
        <Primitive.Content
          aria-describedby={undefined}
          tabIndex={-1}
          onOpenAutoFocus={(event) => {
            event.preventDefault()
            if (event.target instanceof HTMLElement) event.target.focus()
          }}
          onInteractOutside={(event) => event.preventDefault()}
          className={cn(
            'fixed inset-y-0 right-0 z-40 flex w-full max-w-xl animate-slide-in flex-col border-l bg-raised shadow-overlay outline-none',
            className,
          )}
        >
          <div className="flex items-start justify-between gap-3 border-b px-5 py-3.5">
            <div className="min-w-0 flex-1">
              <Primitive.Title dir="auto" className="break-words text-left font-semibold text-base">
                {title}
              </Primitive.Title>
              {subtitle && (
                <div className="mt-1 flex flex-wrap items-center gap-2 text-fg-muted text-xs">{subtitle}</div>
              )}
            </div>
            {actions}
            <Primitive.Close asChild>
              <Button variant="ghost" size="icon-sm" aria-label="Close">
                <X />
              </Button>
            </Primitive.Close>
          </div>
          <div className="min-h-0 flex-1 overflow-y-auto px-5 py-4">{children}</div>
        </Primitive.Content>
      </Primitive.Portal>
    </Primitive.Root>
  )
}
