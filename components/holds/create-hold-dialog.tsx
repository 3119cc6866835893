'use client'

import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { describedBy, Field } from '@/components/ui/field'
import { FormDialog } from '@/components/ui/form-dialog'
import { type PlacedProblems, problemsOfAnswer } from '@/components/ui/form-problems'
import { Input } from '@/components/ui/input'
import { notice } from '@/components/ui/notice'
import { holds } from '@/lib/contract/holds'
import { newId } from '@/lib/ids'
import { api } from '../api'
import { holdsQueries } from './holds-queries'

const FIELDS = ['name', 'reason', 'since', 'until'] as const

type Draft = { name: string; reason: string; since: string; until: string }
type Problems = PlacedProblems<keyof Draft>

/** While it is open: closed and opened again, it begins anew. */
export function CreateHoldDialog({ open, onClose }: { open: boolean; onClose: () => void }) {
  return open ? <CreateHold onClose={onClose} /> : null
}

function CreateHold({ onClose }: { onClose: () => void }) {
  const queryClient = useQueryClient()
  const [draft, setDraft] = useState<Draft>({ name: '', reason: '', since: '', until: '' })
  const [problems, setProblems] = useState<Problems>({ fields: {}, general: null })
  const create = useMutation({
    mutationFn: ({ name, reason, since, until }: Draft) => {
      const input = { name, reason, since: toInstant(since), until: toInstant(until) }
      return api(holds.create, input, { idempotencyKey: newId('req') })
    },
    onSuccess: ({ name }) => {
      notice.success(`${name} stands.`)
      onClose()
    },
    onError: (error) => setProblems(problemsOfAnswer(error, FIELDS)),
    onSettled: () => queryClient.invalidateQueries({ queryKey: holdsQueries.all }),
  })
  const change = (part: Partial<Draft>) => setDraft((before) => ({ ...before, ...part }))
  const submit = () => {
    const found = problemsOf(draft)
    setProblems({ fields: found, general: null })
    if (Object.keys(found).length === 0) create.mutate(draft)
  }
  const field = (name: keyof Draft, type: 'text' | 'datetime-local', placeholder = '') => (
    <Input
      {...describedBy(`hold-${name}`, problems.fields[name])}
      type={type}
      autoComplete="off"
      placeholder={placeholder}
      value={draft[name]}
      onChange={(event) => change({ [name]: event.target.value })}
    />
  )
  return (
    <FormDialog
      title="Create legal hold"
      description="While it stands, no event it covers is dropped and no content of one is erased."
      verb="Create hold"
      doing="Creating…"
      problem={problems.general}
      isPending={create.isPending}
      onSubmit={submit}
      onClose={onClose}
    >
      <Field id="hold-name" label="Name" error={problems.fields.name}>
        {field('name', 'text', 'Case 2026/14')}
      </Field>
      <Field id="hold-reason" label="Reason" error={problems.fields.reason}>
        {field('reason', 'text', 'Preservation notice of 3 March')}
      </Field>
      <div className="grid gap-4 sm:grid-cols-2">
        <Field
          id="hold-since"
          label="From (your time zone)"
          hint="Empty: from the beginning."
          error={problems.fields.since}
        >
          {field('since', 'datetime-local')}
        </Field>
        <Field id="hold-until" label="Until" hint="Empty: it grows with the record." error={problems.fields.until}>
          {field('until', 'datetime-local')}
        </Field>
      </div>
    </FormDialog>
  )
}

function problemsOf({ name, reason, since, until }: Draft): Problems['fields'] {
  const { shape } = holds.create.input
  const one = 'One line of up to 80 characters.'
  return {
    ...(shape.name.safeParse(name).success ? {} : { name: one }),
    ...(shape.reason.safeParse(reason).success ? {} : { reason: one }),
    ...(since !== '' && until !== '' && since >= until ? { until: 'The end must come after the beginning.' } : {}),
  }
}

const toInstant = (local: string) => (local === '' ? undefined : new Date(local).toISOString())
