'use client'

import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { Choice } from '@/components/ui/choice'
import { describedBy, Field } from '@/components/ui/field'
import { FormDialog } from '@/components/ui/form-dialog'
import { type PlacedProblems, problemsOfAnswer } from '@/components/ui/form-problems'
import { Input } from '@/components/ui/input'
import { notice } from '@/components/ui/notice'
import { trail } from '@/lib/contract/trail'
import { SINK_KINDS, type SinkKind } from '@/lib/contract/trail-shapes'
import { newId } from '@/lib/ids'
import { api } from '../api'
import { trailQueries } from './trail-queries'
import { SINK_WORDS } from './trail-words'

type Setting = { name: string; label: string; hint: string; placeholder: string; isOptional?: boolean }

const SETTINGS: Record<SinkKind, Setting[]> = {
  file: [
    {
      name: 'name',
      label: 'File name',
      hint: 'In the folder checkpoints of the data directory.',
      placeholder: 'checkpoints.jsonl',
      isOptional: true,
    },
  ],
  webhook: [
    {
      name: 'url',
      label: 'Address',
      hint: 'Each checkpoint is posted there as JSON.',
      placeholder: 'https://audit.example.com/checkpoints',
    },
  ],
  object_store: [
    {
      name: 'retain_days',
      label: 'Keep under object lock, in days',
      hint: 'Empty sets no lock. Only S3 with object lock can do this.',
      placeholder: '365',
      isOptional: true,
    },
  ],
  witness: [
    {
      name: 'url',
      label: 'Submission prefix',
      hint: 'The address before /add-checkpoint.',
      placeholder: 'https://witness.example.com',
    },
    {
      name: 'key',
      label: 'Cosignature key',
      hint: 'As C2SP writes it: name, key id and key, joined by +.',
      placeholder: 'witness.example.com+1a2b3c4d+BA…',
    },
  ],
}

const NONE: PlacedProblems<string> = { fields: {}, general: null }

export function AddSinkDialog({ onClose }: { onClose: () => void }) {
  const queryClient = useQueryClient()
  const [kind, setKind] = useState<SinkKind>('file')
  const [given, setGiven] = useState<Record<string, string>>({})
  const [problems, setProblems] = useState(NONE)
  const add = useMutation({
    mutationFn: (settings: Record<string, string>) =>
      api(trail.createSink, { kind, settings }, { idempotencyKey: newId('req') }),
    onSuccess: () => {
      notice.success('The sink is told each checkpoint from now on.')
      onClose()
    },
    onError: (error) => {
      const names = SETTINGS[kind].map(({ name }) => name)
      setProblems(problemsOfAnswer(error, names, (path) => path.replace(/^settings\./, '')))
    },
    onSettled: () => queryClient.invalidateQueries({ queryKey: trailQueries.all }),
  })
  const textOf = (name: string) => given[name]?.trim() ?? ''
  const submit = () => {
    const wanted = SETTINGS[kind]
    const missing = wanted.filter(({ name, isOptional }) => !isOptional && textOf(name) === '')
    setProblems({ fields: Object.fromEntries(missing.map(({ name }) => [name, 'This is needed.'])), general: null })
    if (missing.length > 0) return
    add.mutate(Object.fromEntries(wanted.map(({ name }) => [name, textOf(name)]).filter(([, value]) => value !== '')))
  }
  return (
    <FormDialog
      title="Add sink"
      description="It is told the latest checkpoint at once, and each one after it."
      verb="Add sink"
      doing="Adding…"
      problem={problems.general}
      isPending={add.isPending}
      onSubmit={submit}
      onClose={onClose}
    >
      <div className="flex flex-col gap-1.5">
        <Choice
          label="Kind of sink"
          value={kind}
          onChange={(next) => {
            setKind(SINK_KINDS.find((known) => known === next) ?? 'file')
            setProblems(NONE)
          }}
          options={SINK_KINDS.map((value) => ({ value, label: SINK_WORDS[value].label }))}
        />
        <p className="text-fg-muted text-xs">{SINK_WORDS[kind].about}</p>
      </div>
      {SETTINGS[kind].map((setting) => (
        <Field
          key={`${kind} ${setting.name}`}
          id={`sink-${setting.name}`}
          label={setting.label}
          hint={setting.hint}
          error={problems.fields[setting.name]}
        >
          <Input
            {...describedBy(`sink-${setting.name}`, problems.fields[setting.name])}
            value={given[setting.name] ?? ''}
            placeholder={setting.placeholder}
            autoComplete="off"
            spellCheck={false}
            onChange={(event) => setGiven((before) => ({ ...before, [setting.name]: event.target.value }))}
          />
        </Field>
      ))}
    </FormDialog>
  )
}
