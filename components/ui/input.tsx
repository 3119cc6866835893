import type { ComponentProps } from 'react'
import { cn } from './cn'

export const fieldClasses =
  'w-full rounded-md border border-border-input bg-surface text-fg text-sm disabled:bg-sunken disabled:text-fg-muted aria-invalid:border-danger focus-visible:outline-offset-0'

export function Input({ className, type = 'text', ...props }: ComponentProps<'input'>) {
  return <input type={type} className={cn(fieldClasses, 'h-8 px-2.5', className)} {...props} />
}
