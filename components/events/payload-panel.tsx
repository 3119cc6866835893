'use client'

import { useMutation } from '@tanstack/react-query'
import { Eye } from 'lucide-react'
import Link from 'next/link'
import { type FormEvent, useState } from 'react'
import { rolesWith } from '@/components/shell/roles-with'
import { useCan } from '@/components/shell/whoami-context'
import { Button } from '@/components/ui/button'
import { Details } from '@/components/ui/details'
import { describedBy, Field } from '@/components/ui/field'
import { IdText } from '@/components/ui/id-text'
import { Input } from '@/components/ui/input'
import { RelativeTime } from '@/components/ui/relative-time'
import { type DecisionEvent, events } from '@/lib/contract/events'
import { AppError } from '@/lib/errors'
import { api } from '../api'
import { EraseContent } from './erase-content'
import { bytesText } from './event-words'
import { RevealedBytes } from './revealed-bytes'

/** Hashes and sizes of what came in and went out, and the bytes themselves for those who may and say why. */
export function PayloadPanel({ event }: { event: DecisionEvent }) {
  const { request_sha256, response_sha256, request_bytes, response_bytes, commitment } = event.payload
  const what = commitment === 'salted' ? 'salted SHA-256' : 'SHA-256'
  return (
    <div className="flex flex-col gap-3">
      <Details
        items={[
          ['Request', <Hash key="request" bytes={request_bytes} sha256={request_sha256} what={what} />],
          ['Answer', <Hash key="answer" bytes={response_bytes} sha256={response_sha256} what={what} />],
        ]}
      />
      <Content event={event} />
    </div>
  )
}

const Hash = ({ bytes, sha256, what }: { bytes: number; sha256: string | null; what: string }) => (
  <span className="flex flex-wrap items-center gap-x-2">
    <span className="tabular-nums">{bytesText(bytes)}</span>
    {sha256 ? (
      <span className="text-fg-muted">
        {what} <IdText id={sha256} what={what} />
      </span>
    ) : (
      <span className="text-fg-muted">nothing to hash</span>
    )}
  </span>
)

function Content({ event }: { event: DecisionEvent }) {
  const canReveal = useCan('payloads:read')
  const canSettings = useCan('settings:read')
  if (event.payload.capture === 'none') {
    return (
      <p className="text-fg-muted text-sm">
        The content was not recorded: payload capture was off.{' '}
        {canSettings ? (
          <>
            It is set under{' '}
            <Link href="/settings/security" className="text-accent underline underline-offset-2">
              Settings, Security
            </Link>{' '}
            and holds for requests from then on.
          </>
        ) : (
          'An owner or admin can turn it on under Settings, Security.'
        )}
      </p>
    )
  }
  if (!canReveal) {
    return (
      <p className="text-fg-muted text-sm">
        The content is recorded. It can be revealed by: {rolesWith('payloads:read').join(', ')}.
      </p>
    )
  }
  return (
    <>
      <Reveal id={event.event_id} />
      <EraseContent id={event.event_id} />
    </>
  )
}

function Reveal({ id }: { id: string }) {
  const [reason, setReason] = useState('')
  const [problem, setProblem] = useState<string>()
  // The bytes live in this component only: closing the sheet or leaving the row lets them go.
  const reveal = useMutation({ mutationFn: (why: string) => api(events.reveal, { id, reason: why }), gcTime: 0 })
  const submit = (event: FormEvent) => {
    event.preventDefault()
    const checked = events.reveal.input.shape.reason.safeParse(reason)
    setProblem(checked.success ? undefined : 'Say why in one line of up to 80 characters.')
    if (checked.success) reveal.mutate(checked.data)
  }
  if (reveal.data?.erased) {
    const { at, by, reason: why } = reveal.data.erased
    return (
      <p className="text-fg-muted text-sm">
        The content was erased <RelativeTime at={at} /> by {by}: {why}. The hashes above stay, and say nothing about it.
      </p>
    )
  }
  if (reveal.data) {
    return (
      <>
        {reveal.data.capture === 'redacted' && (
          <p className="text-fg-muted text-sm">
            Personal data and secrets were masked before this was stored; it is not what crossed byte for byte.
          </p>
        )}
        <RevealedBytes title="Request" base64={reveal.data.request} />
        <RevealedBytes title="Answer" base64={reveal.data.response} />
      </>
    )
  }
  const failure =
    reveal.error instanceof AppError ? reveal.error.message : reveal.error && 'The content could not be read.'
  return (
    <form onSubmit={submit} className="flex flex-col gap-2 rounded-md border p-3">
      <Field
        id="reveal-reason"
        label="Why do you need to see the content?"
        hint="Your reason and your name go into the activity record."
        error={problem ?? (failure || undefined)}
      >
        <Input
          {...describedBy('reveal-reason', problem)}
          value={reason}
          maxLength={80}
          autoComplete="off"
          placeholder="Ticket 4711"
          onChange={(event) => setReason(event.target.value)}
        />
      </Field>
      <div>
        <Button type="submit" size="sm" disabled={reveal.isPending}>
          <Eye /> {reveal.isPending ? 'Revealing…' : 'Reveal content'}
        </Button>
      </div>
    </form>
  )
}
