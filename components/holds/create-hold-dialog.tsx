'use client'

import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { Button } from '@/components/ui/button'
import { Callout } from '@/components/ui/callout'
import { Dialog, DialogClose, DialogContent } from '@/components/ui/dialog'
import { describedBy, Field } from '@/components/ui/field'
import { Input } from '@/components/ui/input'
import { notice } from '@/components/ui/notice'
import { holds } from '@/lib/contract/holds'
import { newId } from '@/lib/ids'
import { api } from '../api'
import { holdsQueries } from './holds-queries'

const FORM_ID = 'create-hold'

type Draft = { name: string; reason: string; since: string; until: string }
type Problems = Partial<Record<'name' | 'reason' | 'until', string>>

export function CreateHoldDialog({ open, onClose }: { open: boolean; onClose: () => void }) {
  const [isPending, setIsPending] = useState(false)
  return (
    <Dialog open={open} onOpenChange={(next) => !next && onClose()}>
      <DialogContent
        title="New legal hold"
        description="While it stands, no event it covers is dropped and no content of one is erased."
        footer={
          <>
            <DialogClose asChild>
              <Button>Cancel</Button>
            </DialogClose>
            <Button type="submit" form={FORM_ID} variant="primary" disabled={isPending}>
              {isPending ? 'Creating…' : 'Create hold'}
            </Button>
          </>
        }
      >
        <CreateForm onPending={setIsPending} onDone={onClose} />
      </DialogContent>
    </Dialog>
  )
}

function CreateForm({ onPending, onDone }: { onPending: (isPending: boolean) => void; onDone: () => void }) {
  const queryClient = useQueryClient()
  const [draft, setDraft] = useState<Draft>({ name: '', reason: '', since: '', until: '' })
  const [problems, setProblems] = useState<Problems>({})
  const create = useMutation({
    mutationFn: ({ name, reason, since, until }: Draft) => {
      onPending(true)
      const input = { name, reason, since: toInstant(since), until: toInstant(until) }
      return api(holds.create, input, { idempotencyKey: newId('req') })
    },
    onSuccess: ({ name }) => {
      notice.success(`${name} stands.`)
      onDone()
    },
    onSettled: () => {
      onPending(false)
      return queryClient.invalidateQueries({ queryKey: holdsQueries.all })
    },
  })
  const change = (part: Partial<Draft>) => setDraft((before) => ({ ...before, ...part }))
  const submit = () => {
    const found = problemsOf(draft)
    setProblems(found)
    if (Object.keys(found).length === 0 && !create.isPending) create.mutate(draft)
  }
  const field = (name: keyof Draft, type: 'text' | 'datetime-local', placeholder = '') => (
    <Input
      {...describedBy(`hold-${name}`, name === 'since' ? undefined : problems[name])}
      type={type}
      autoComplete="off"
      placeholder={placeholder}
      value={draft[name]}
      onChange={(event) => change({ [name]: event.target.value })}
    />
  )
  return (
    <form
      id={FORM_ID}
      noValidate
      className="flex flex-col gap-4"
      onSubmit={(event) => {
        event.preventDefault()
        submit()
      }}
    >
      {create.error && (
        <Callout tone="danger" role="alert">
          {create.error.message}
        </Callout>
      )}
      <Field id="hold-name" label="Name" error={problems.name}>
        {field('name', 'text', 'Case 2026/14')}
      </Field>
      <Field id="hold-reason" label="Reason" error={problems.reason}>
        {field('reason', 'text', 'Preservation notice of 3 March')}
      </Field>
      <div className="grid gap-4 sm:grid-cols-2">
        <Field id="hold-since" label="From (your time zone)" hint="Empty: from the beginning.">
          {field('since', 'datetime-local')}
        </Field>
        <Field id="hold-until" label="Until" hint="Empty: it grows with the record." error={problems.until}>
          {field('until', 'datetime-local')}
        </Field>
      </div>
    </form>
  )
}

function problemsOf({ name, reason, since, until }: Draft): Problems {
  const { shape } = holds.create.input
  const one = 'One line of up to 80 characters.'
  return {
    ...(shape.name.safeParse(name).success ? {} : { name: one }),
    ...(shape.reason.safeParse(reason).success ? {} : { reason: one }),
    ...(since !== '' && until !== '' && since >= until ? { until: 'The end must come after the beginning.' } : {}),
  }
}

const toInstant = (local: string) => (local === '' ? undefined : new Date(local).toISOString())
