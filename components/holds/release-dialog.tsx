'use client'

import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { ConfirmDialog } from '@/components/ui/confirm-dialog'
import { describedBy, Field } from '@/components/ui/field'
import { Input } from '@/components/ui/input'
import { notice } from '@/components/ui/notice'
import { holds, type LegalHold } from '@/lib/contract/holds'
import { api } from '../api'
import { coverWords } from './hold-words'
import { holdsQueries } from './holds-queries'

/** What a hold kept may be gone the night after it is released, so its name is typed. */
export function ReleaseDialog({ hold, onClose }: { hold: LegalHold; onClose: () => void }) {
  const queryClient = useQueryClient()
  const [reason, setReason] = useState('')
  const [problem, setProblem] = useState<string>()
  const release = useMutation({
    mutationFn: (why: string) => api(holds.release, { id: hold.id, reason: why }),
    onSuccess: () => {
      notice.success(`${hold.name} is released.`)
      onClose()
    },
    onSettled: () => queryClient.invalidateQueries({ queryKey: holdsQueries.all }),
  })
  return (
    <ConfirmDialog
      open
      onOpenChange={(next) => !next && onClose()}
      title={`Release “${hold.name}”?`}
      confirmLabel="Release hold"
      typedName={hold.name}
      isPending={release.isPending}
      error={release.error}
      onConfirm={() => {
        const checked = holds.release.input.shape.reason.safeParse(reason)
        setProblem(checked.success ? undefined : 'Say why in one line of up to 80 characters.')
        if (checked.success) release.mutate(checked.data)
      }}
    >
      <p>
        It covers: {coverWords(hold)}. What is older than the settings allow is dropped or erased with the next nightly
        run, for good, unless another hold covers it.
      </p>
      <Field
        id="release-reason"
        label="Why is it released?"
        hint="Your reason and your name go into the activity record."
        error={problem}
      >
        <Input
          {...describedBy('release-reason', problem)}
          value={reason}
          maxLength={80}
          autoComplete="off"
          placeholder="Case closed"
          onChange={(event) => setReason(event.target.value)}
        />
      </Field>
    </ConfirmDialog>
  )
}
