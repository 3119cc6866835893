'use client'

import { Toaster as Sonner } from 'sonner'

/** Quiet notices at the corner; errors also stand where they happened. */
export function Toaster() {
  return (
    <Sonner
      position="bottom-right"
      closeButton
      toastOptions={{
        unstyled: true,
        classNames: {
          toast: 'flex w-full items-start gap-2 rounded-md border bg-raised p-3 pr-8 text-fg text-sm shadow-overlay',
          title: 'font-medium',
          description: 'mt-0.5 text-fg-muted text-xs',
          icon: 'mt-0.5',
          error: 'border-danger-border',
          closeButton:
            'left-auto! right-1! top-2! translate-x-0! translate-y-0! border-0! bg-transparent! text-fg-muted!',
        },
      }}
    />
  )
}
