'use client'

import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { Button } from '@/components/ui/button'
import { Callout } from '@/components/ui/callout'
import { Choice } from '@/components/ui/choice'
import { Dialog, DialogClose, DialogContent } from '@/components/ui/dialog'
import { describedBy, Field } from '@/components/ui/field'
import { Input } from '@/components/ui/input'
import { notice } from '@/components/ui/notice'
import { trail } from '@/lib/contract/trail'
import { SINK_KINDS, type SinkKind } from '@/lib/contract/trail-shapes'
import { newId } from '@/lib/ids'
import { api } from '../api'
import { trailQueries } from './trail-queries'
import { SINK_WORDS } from './trail-words'

const FORM_ID = 'add-sink'

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

export function AddSinkDialog({ onClose }: { onClose: () => void }) {
  const queryClient = useQueryClient()
  const [kind, setKind] = useState<SinkKind>('file')
  const [given, setGiven] = useState<Record<string, string>>({})
  const [isTried, setIsTried] = useState(false)
  const add = useMutation({
    mutationFn: (settings: Record<string, string>) =>
      api(trail.createSink, { kind, settings }, { idempotencyKey: newId('req') }),
    onSuccess: () => {
      notice.success('The sink is told each checkpoint from now on.')
      onClose()
    },
    onSettled: () => queryClient.invalidateQueries({ queryKey: trailQueries.all }),
  })
  const textOf = (name: string) => given[name]?.trim() ?? ''
  const problemOf = ({ name, isOptional }: Setting) =>
    isTried && !isOptional && textOf(name) === '' ? 'This is needed.' : undefined
  const submit = () => {
    setIsTried(true)
    const wanted = SETTINGS[kind]
    if (add.isPending || wanted.some(({ name, isOptional }) => !isOptional && textOf(name) === '')) return
    add.mutate(Object.fromEntries(wanted.map(({ name }) => [name, textOf(name)]).filter(([, value]) => value !== '')))
  }
  return (
    <Dialog open onOpenChange={(next) => !next && onClose()}>
      <DialogContent
        title="Add sink"
        description="It is told the latest checkpoint at once, and each one after it."
        footer={
          <>
            <DialogClose asChild>
              <Button>Cancel</Button>
            </DialogClose>
            <Button type="submit" form={FORM_ID} variant="primary" disabled={add.isPending}>
              {add.isPending ? 'Adding…' : 'Add sink'}
            </Button>
          </>
        }
      >
        <form
          id={FORM_ID}
          noValidate
          className="flex flex-col gap-4"
          onSubmit={(event) => {
            event.preventDefault()
            submit()
          }}
        >
          {add.error && (
            <Callout tone="danger" role="alert">
              {add.error.message}
            </Callout>
          )}
          <div className="flex flex-col gap-1.5">
            <Choice
              label="Kind of sink"
              value={kind}
              onChange={(next) => {
                setKind(SINK_KINDS.find((known) => known === next) ?? 'file')
                setIsTried(false)
                add.reset()
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
              error={problemOf(setting)}
            >
              <Input
                {...describedBy(`sink-${setting.name}`, problemOf(setting))}
                value={given[setting.name] ?? ''}
                placeholder={setting.placeholder}
                autoComplete="off"
                spellCheck={false}
                onChange={(event) => setGiven((before) => ({ ...before, [setting.name]: event.target.value }))}
              />
            </Field>
          ))}
        </form>
      </DialogContent>
    </Dialog>
  )
}
