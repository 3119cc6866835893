'use client'

import { type ComponentProps, type ReactNode, useId, useRef } from 'react'
import { Button } from './button'
import { CheckedForm } from './checked-form'
import { Dialog, DialogClose, DialogContent } from './dialog'

type FormDialogProps = Pick<ComponentProps<typeof CheckedForm>, 'problem' | 'isPending' | 'onSubmit'> & {
  title: ReactNode
  description?: ReactNode
  /** Of the dialog, such as its width. */
  className?: string
  formClassName?: string
  /** The verb on the button, such as `Create key`, and while it is being done, such as `Creating…`. */
  verb: string
  doing: string
  tone?: 'primary' | 'danger'
  onClose: () => void
  children: ReactNode
}

/** A dialog that asks for something. It is open for as long as it is there, so that each time it begins anew. */
export function FormDialog(props: FormDialogProps) {
  const id = useId()
  const isTyped = useRef(false)
  const { title, description, className, formClassName, verb, doing, tone = 'primary' } = props
  const { onClose, isPending, problem, onSubmit } = props
  return (
    <Dialog open onOpenChange={(next) => !next && onClose()}>
      <DialogContent
        title={title}
        description={description}
        onInput={() => {
          isTyped.current = true
        }}
        // A click beside it does not throw away what was typed.
        onInteractOutside={(event) => isTyped.current && event.preventDefault()}
        {...(className ? { className } : {})}
        footer={
          <>
            <DialogClose asChild>
              <Button>Cancel</Button>
            </DialogClose>
            <Button type="submit" form={id} variant={tone} disabled={isPending}>
              {isPending ? doing : verb}
            </Button>
          </>
        }
      >
        <CheckedForm
          id={id}
          problem={problem}
          isPending={isPending}
          onSubmit={onSubmit}
          {...(formClassName ? { className: formClassName } : {})}
        >
          {props.children}
        </CheckedForm>
      </DialogContent>
    </Dialog>
  )
}
