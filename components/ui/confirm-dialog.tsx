'use client'

import { type ReactNode, useState } from 'react'
import { AppError } from '@/lib/errors'
import { Button } from './button'
import { CheckedForm } from './checked-form'
import { Dialog, DialogClose, DialogContent } from './dialog'
import { Input } from './input'
import { Label } from './label'

type ConfirmDialogProps = {
  open: boolean
  onOpenChange: (open: boolean) => void
  title: string
  /** The consequence, in numbers. */
  children: ReactNode
  /** The verb on the button, such as `Revoke key`. */
  confirmLabel: string
  /** Must be typed where the action cannot be undone. */
  typedName?: string
  tone?: 'danger' | 'primary'
  isPending?: boolean
  error?: unknown
  onConfirm: () => void
}

export function ConfirmDialog(props: ConfirmDialogProps) {
  return (
    <Dialog open={props.open} onOpenChange={props.onOpenChange}>
      {props.open && <ConfirmContent {...props} />}
    </Dialog>
  )
}

function ConfirmContent(props: ConfirmDialogProps) {
  const { title, children, confirmLabel, typedName, tone = 'danger', isPending, error, onConfirm } = props
  const [typed, setTyped] = useState('')
  const isConfirmed = typedName === undefined || typed.trim() === typedName
  return (
    <DialogContent title={title}>
      <CheckedForm
        problem={messageOf(error)}
        isPending={isPending === true}
        onSubmit={() => isConfirmed && onConfirm()}
      >
        <div className="flex flex-col gap-3 text-sm">{children}</div>
        {typedName !== undefined && (
          <div className="flex flex-col gap-1.5">
            <Label htmlFor="confirm-name">
              Type <span className="select-all rounded-md bg-sunken px-1 font-mono text-xs">{typedName}</span> to
              confirm
            </Label>
            <Input
              id="confirm-name"
              autoComplete="off"
              autoCapitalize="none"
              spellCheck={false}
              value={typed}
              onChange={(event) => setTyped(event.target.value)}
            />
          </div>
        )}
        <div className="flex flex-wrap justify-end gap-2">
          <DialogClose asChild>
            <Button>Cancel</Button>
          </DialogClose>
          <Button type="submit" variant={tone} disabled={!isConfirmed || isPending}>
            {isPending ? 'Working…' : confirmLabel}
          </Button>
        </div>
      </CheckedForm>
    </DialogContent>
  )
}

const messageOf = (error: unknown): string | undefined => {
  if (!error) return undefined
  return error instanceof AppError ? error.message : 'The console met something it did not expect. Nothing was changed.'
}
