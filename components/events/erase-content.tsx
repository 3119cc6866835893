'use client'

import { useMutation } from '@tanstack/react-query'
import { Eraser } from 'lucide-react'
import { useState } from 'react'
import { useCan } from '@/components/shell/whoami-context'
import { Button } from '@/components/ui/button'
import { Callout } from '@/components/ui/callout'
import { ConfirmDialog } from '@/components/ui/confirm-dialog'
import { describedBy, Field } from '@/components/ui/field'
import { Input } from '@/components/ui/input'
import { payloads } from '@/lib/contract/payloads'
import { AppError } from '@/lib/errors'
import { api } from '../api'

/** Takes the captured content of one event away for good, for those who may and say why. */
export function EraseContent({ id }: { id: string }) {
  const mayErase = useCan('payloads:erase')
  const [isAsking, setIsAsking] = useState(false)
  const [reason, setReason] = useState('')
  const [problem, setProblem] = useState<string>()
  const erase = useMutation({
    mutationFn: (why: string) => api(payloads.erase, { id, reason: why }),
    onSuccess: () => setIsAsking(false),
  })
  if (!mayErase) return null
  if (erase.data) {
    return (
      <Callout role="status">
        {erase.data.erased > 0
          ? 'The content is erased. The event, its hashes and its place in the record stay.'
          : 'There was no content left to erase.'}
      </Callout>
    )
  }
  const confirm = () => {
    const checked = payloads.erase.input.shape.reason.safeParse(reason)
    setProblem(checked.success ? undefined : 'Say why in one line of up to 80 characters.')
    if (checked.success) erase.mutate(checked.data)
  }
  const isHeld = erase.error instanceof AppError && erase.error.code === 'legal_hold'
  return (
    <div>
      <Button size="sm" variant="danger-outline" onClick={() => setIsAsking(true)}>
        <Eraser /> Erase content…
      </Button>
      <ConfirmDialog
        open={isAsking}
        onOpenChange={(next) => {
          setIsAsking(next)
          erase.reset()
        }}
        title="Erase the content of this event?"
        confirmLabel="Erase content"
        typedName="erase"
        isPending={erase.isPending}
        error={isHeld ? undefined : erase.error}
        onConfirm={confirm}
      >
        <p>
          Request and answer are gone for good, and nobody can bring them back. The decision, its hashes and its place
          in the record stay, so that the trail still verifies.
        </p>
        {isHeld && (
          <Callout tone="warn" role="alert">
            {erase.error?.message}
          </Callout>
        )}
        <Field
          id="erase-reason"
          label="Why is it erased?"
          hint="Your reason and your name go into the activity record."
          error={problem}
        >
          <Input
            {...describedBy('erase-reason', problem)}
            value={reason}
            maxLength={80}
            autoComplete="off"
            placeholder="Erasure request 12"
            onChange={(event) => setReason(event.target.value)}
          />
        </Field>
      </ConfirmDialog>
    </div>
  )
}
