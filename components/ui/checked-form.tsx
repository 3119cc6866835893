'use client'

import { type ReactNode, useEffect, useRef } from 'react'
import { Callout } from './callout'
import { cn } from './cn'

type CheckedFormProps = {
  id?: string
  className?: string
  /** What is wrong and belongs to no field; what does belong to one stands there, and marks it `aria-invalid`. */
  problem?: string | null | undefined
  /** Nothing is sent twice. */
  isPending: boolean
  onSubmit: () => unknown
  children: ReactNode
}

/** A form that says what is wrong: beside the field, which gets the focus, or at its head. Browsers check nothing. */
export function CheckedForm({ id, className, problem, isPending, onSubmit, children }: CheckedFormProps) {
  const form = useRef<HTMLFormElement>(null)
  const head = useRef<HTMLDivElement>(null)
  const isSent = useRef(false)

  // The focus of the document, once what came of sending is drawn: after any render, because the fields are the caller's.
  useEffect(() => {
    if (!isSent.current || isPending) return
    const invalid = form.current?.querySelector<HTMLElement>('[aria-invalid="true"]')
    if (!invalid) return
    isSent.current = false
    invalid.focus()
  })

  // The scroll position of whatever the form stands in: its head may be out of view.
  useEffect(() => {
    if (problem) head.current?.scrollIntoView({ block: 'nearest' })
  }, [problem])

  return (
    <form
      ref={form}
      id={id}
      noValidate
      className={cn('flex flex-col gap-4', className)}
      onInput={() => {
        // Who goes on typing is not torn from it by a field that turns out wrong meanwhile.
        isSent.current = false
      }}
      onSubmit={(event) => {
        event.preventDefault()
        if (isPending) return
        isSent.current = true
        void onSubmit()
      }}
    >
      {problem && (
        <div ref={head}>
          <Callout tone="danger" role="alert">
            {problem}
          </Callout>
        </div>
      )}
      {children}
    </form>
  )
}
