'use client'

import { useMutation, useQueryClient } from '@tanstack/react-query'
import { OctagonAlert } from 'lucide-react'
import { useState } from 'react'
import { rolesWith } from '@/components/shell/roles-with'
import { useCan } from '@/components/shell/whoami-context'
import { Button } from '@/components/ui/button'
import { Callout } from '@/components/ui/callout'
import { describedBy, Field } from '@/components/ui/field'
import { FormDialog } from '@/components/ui/form-dialog'
import { fieldClasses } from '@/components/ui/input'
import { notice } from '@/components/ui/notice'
import { RelativeTime } from '@/components/ui/relative-time'
import { trail } from '@/lib/contract/trail'
import { api } from '../api'
import { trailQueries } from './trail-queries'

const REASON_MAX = 500

/** Stored records are not what was recorded. Stands above everything else on the page until somebody has looked. */
export function AlarmCallout({ alarm }: { alarm: { message: string; raised_at: string } }) {
  const mayWrite = useCan('trail:write')
  const [isOpen, setIsOpen] = useState(false)
  return (
    <section
      role="alert"
      aria-label="Alarm"
      className="flex flex-wrap items-start gap-3 rounded-md border-2 border-danger bg-danger-soft p-4 text-danger-text"
    >
      <OctagonAlert aria-hidden className="size-6 shrink-0" />
      <div className="min-w-0 flex-1 basis-64">
        <h2 className="font-semibold text-lg">Stored records are not what was recorded</h2>
        <p className="mt-1 text-base">{alarm.message}</p>
        <p className="mt-1 text-sm">
          Found <RelativeTime at={alarm.raised_at} />. Recording goes on; nothing is signed until a person has looked
          and said what was found out.
          {!mayWrite && ` Who can: ${rolesWith('trail:write').join(', ')}.`}
        </p>
      </div>
      {mayWrite && (
        <Button variant="danger" onClick={() => setIsOpen(true)}>
          Acknowledge…
        </Button>
      )}
      {isOpen && <AcknowledgeDialog message={alarm.message} onClose={() => setIsOpen(false)} />}
    </section>
  )
}

function AcknowledgeDialog({ message, onClose }: { message: string; onClose: () => void }) {
  const queryClient = useQueryClient()
  const [reason, setReason] = useState('')
  const [problem, setProblem] = useState<string>()
  const acknowledge = useMutation({
    mutationFn: (why: string) => api(trail.acknowledgeAlarm, { reason: why }),
    onSuccess: () => {
      notice.success('The alarm is acknowledged. Digests are signed again.')
      onClose()
    },
    onSettled: () => queryClient.invalidateQueries({ queryKey: trailQueries.all }),
  })
  return (
    <FormDialog
      title="Acknowledge the alarm"
      description="Your name and your reason stand in the trail from then on. The damaged record is signed as what was recorded; verification goes on to report it."
      verb="Acknowledge alarm"
      doing="Working…"
      tone="danger"
      problem={acknowledge.error?.message}
      isPending={acknowledge.isPending}
      onSubmit={() => {
        const why = reason.trim()
        setProblem(why === '' ? 'Say what was found out and done about it.' : undefined)
        if (why !== '') acknowledge.mutate(why)
      }}
      onClose={onClose}
    >
      <Callout tone="danger">{message}</Callout>
      <Field id="alarm-reason" label="What was found out and done about it?" error={problem}>
        <textarea
          {...describedBy('alarm-reason', problem)}
          className={`${fieldClasses} min-h-24 p-2.5`}
          value={reason}
          maxLength={REASON_MAX}
          placeholder="Disk fault, ticket 4711; the row was restored from a backup."
          onChange={(event) => setReason(event.target.value)}
        />
      </Field>
    </FormDialog>
  )
}
