import type { ReactNode } from 'react'
import { cn } from './cn'
import { sentence } from './form-problems'
import { Label } from './label'

type FieldProps = {
  /** The id of the control; hint and error get `<id>-hint` and `<id>-error` for `aria-describedby`. */
  id: string
  label: ReactNode
  hint?: ReactNode
  error?: string | undefined
  className?: string
  children: ReactNode
}

/** A labelled control with what it means and what is wrong with it. */
export function Field({ id, label, hint, error, className, children }: FieldProps) {
  return (
    <div className={cn('flex flex-col gap-1.5', className)}>
      <Label htmlFor={id}>{label}</Label>
      {children}
      {hint && (
        <p id={`${id}-hint`} className="text-fg-muted text-xs">
          {hint}
        </p>
      )}
      <p id={`${id}-error`} role="alert" className="text-danger-text text-xs empty:hidden">
        {error && sentence(error)}
      </p>
    </div>
  )
}

/** What ties a control to its hint and error. */
export const describedBy = (id: string, error?: unknown) => ({
  id,
  'aria-describedby': `${id}-hint ${id}-error`,
  'aria-invalid': error ? true : undefined,
})
