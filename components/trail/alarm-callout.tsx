'use client'

import { useMutation, useQueryClient } from '@tanstack/react-query'
import { OctagonAlert } from 'lucide-react'
import { useState } from 'react'
import { rolesWith } from '@/components/shell/roles-with'
import { useCan } from '@/components/shell/whoami-context'
import { Button } from '@/components/ui/button'
import { Callout } from '@/components/ui/callout'
import { Dialog, DialogClose, DialogContent } from '@/components/ui/dialog'
import { describedBy, Field } from '@/components/ui/field'
import { fieldClasses } from '@/components/ui/input'
import { notice } from '@/components/ui/notice'
import { RelativeTime } from '@/components/ui/relative-time'
import { trail } from '@/lib/contract/trail'
import { api } from '../api'
import { trailQueries } from './trail-queries'

const FORM_ID = 'acknowledge-alarm'
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
      <Dialog open={isOpen} onOpenChange={setIsOpen}>
        {isOpen && <AcknowledgeContent message={alarm.message} onDone={() => setIsOpen(false)} />}
      </Dialog>
    </section>
  )
}

function AcknowledgeContent({ message, onDone }: { message: string; onDone: () => void }) {
  const queryClient = useQueryClient()
  const [reason, setReason] = useState('')
  const [problem, setProblem] = useState<string>()
  const acknowledge = useMutation({
    mutationFn: (why: string) => api(trail.acknowledgeAlarm, { reason: why }),
    onSuccess: () => {
      notice.success('The alarm is acknowledged. Digests are signed again.')
      onDone()
    },
    onSettled: () => queryClient.invalidateQueries({ queryKey: trailQueries.all }),
  })
  return (
    <DialogContent
      title="Acknowledge the alarm"
      description="Your name and your reason stand in the trail from then on. The damaged record is signed as what was recorded; verification goes on to report it."
      footer={
        <>
          <DialogClose asChild>
            <Button>Cancel</Button>
          </DialogClose>
          <Button type="submit" form={FORM_ID} variant="danger" disabled={acknowledge.isPending}>
            {acknowledge.isPending ? 'Working…' : 'Acknowledge alarm'}
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
          const why = reason.trim()
          setProblem(why === '' ? 'Say what was found out and done about it.' : undefined)
          if (why !== '' && !acknowledge.isPending) acknowledge.mutate(why)
        }}
      >
        <Callout tone="danger">{message}</Callout>
        {acknowledge.error && (
          <Callout tone="danger" role="alert">
            {acknowledge.error.message}
          </Callout>
        )}
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
      </form>
    </DialogContent>
  )
}
