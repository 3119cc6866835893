'use client'

import { useMutation } from '@tanstack/react-query'
import { FileArchive } from 'lucide-react'
import { type FormEvent, useState } from 'react'
import { useCan } from '@/components/shell/whoami-context'
import { Button } from '@/components/ui/button'
import { Callout } from '@/components/ui/callout'
import { Checkbox } from '@/components/ui/checkbox'
import { describedBy, Field } from '@/components/ui/field'
import { Input } from '@/components/ui/input'
import { Label } from '@/components/ui/label'
import type { DecisionEvent } from '@/lib/contract/events'
import { evidence } from '@/lib/contract/evidence'
import { AppError } from '@/lib/errors'
import { api } from '../api'

/** What proves this request to somebody who has nothing but a fingerprint, as a file. */
export function EvidenceBundle({ event }: { event: DecisionEvent }) {
  const canRead = useCan('trail:read')
  const canReveal = useCan('payloads:read') && event.payload.capture !== 'none'
  const [withContent, setWithContent] = useState(false)
  const [reason, setReason] = useState('')
  const [problem, setProblem] = useState<string>()
  const build = useMutation({
    mutationFn: async (why: string | undefined) => {
      const file = await api.download(evidence.archive, { request_id: event.request_id, payloads_for: why })
      save(await new Response(file.body).blob(), file.fileName ?? `evidence-${event.request_id}.zip`)
    },
  })
  if (!canRead) return null
  const submit = (submitted: FormEvent) => {
    submitted.preventDefault()
    if (build.isPending) return
    const wanted = withContent ? reason : undefined
    const checked = evidence.archive.input.shape.payloads_for.safeParse(wanted)
    setProblem(checked.success ? undefined : 'Say why in one line of up to 80 characters.')
    if (checked.success) build.mutate(checked.data)
  }
  return (
    <form onSubmit={submit} noValidate className="flex flex-col gap-3">
      <p className="text-fg-muted text-sm">
        A file with the exact records of this request, their proofs, digests and keys. Whoever has it can verify it on{' '}
        <a href="/verify" target="_blank" rel="noreferrer" className="text-accent underline underline-offset-2">
          the public page
        </a>{' '}
        or with <code className="font-mono text-xs">kt verify</code>, without an account. That you took it is recorded.
      </p>
      {canReveal && (
        <div className="flex items-start gap-2.5">
          <Checkbox
            id="bundle-content"
            checked={withContent}
            onCheckedChange={(checked) => setWithContent(checked === true)}
            className="mt-0.5"
          />
          <Label htmlFor="bundle-content" className="font-normal">
            With the captured request and answer
          </Label>
        </div>
      )}
      {withContent && (
        <Field
          id="bundle-reason"
          label="Why does the content go along?"
          hint="Your reason and your name go into the activity record."
          error={problem}
        >
          <Input
            {...describedBy('bundle-reason', problem)}
            value={reason}
            maxLength={80}
            autoComplete="off"
            placeholder="Ticket 4711"
            onChange={(changed) => setReason(changed.target.value)}
          />
        </Field>
      )}
      {build.error && (
        <Callout tone={isTooSoon(build.error) ? 'info' : 'danger'} role="alert">
          {build.error.message}
        </Callout>
      )}
      <div>
        <Button type="submit" size="sm" disabled={build.isPending}>
          <FileArchive /> {build.isPending ? 'Building…' : 'Build evidence bundle'}
        </Button>
      </div>
    </form>
  )
}

const isTooSoon = (error: unknown) => error instanceof AppError && error.status === 409

function save(blob: Blob, name: string) {
  const url = URL.createObjectURL(blob)
  const link = document.createElement('a')
  link.href = url
  link.download = name
  link.click()
  URL.revokeObjectURL(url)
}
