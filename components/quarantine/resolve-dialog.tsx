'use client'

import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { Button } from '@/components/ui/button'
import { Callout } from '@/components/ui/callout'
import { Checkbox } from '@/components/ui/checkbox'
import { Dialog, DialogClose, DialogContent } from '@/components/ui/dialog'
import { describedBy, Field } from '@/components/ui/field'
import { Input } from '@/components/ui/input'
import { Label } from '@/components/ui/label'
import { quarantine } from '@/lib/contract/quarantine'
import { api } from '../api'
import { countText } from '../events/event-words'
import { quarantineQueries } from './quarantine-queries'
import { OUTCOME_WORDS } from './quarantine-words'

const FORM_ID = 'resolve-quarantined'
/** That one request takes. */
const IDS_MAX = 200

type ResolveDialogProps = { how: 'replay' | 'discard'; ids: string[]; onClose: () => void; onDone: () => void }

const many = (count: number) => `${countText(count)} ${count === 1 ? 'event' : 'events'}`

/** Records quarantined events by the rules of today, or gives them up with a reason. Says what became of each. */
export function ResolveDialog({ how, ids, onClose, onDone }: ResolveDialogProps) {
  const queryClient = useQueryClient()
  const [acceptTime, setAcceptTime] = useState(false)
  const [reason, setReason] = useState('')
  const [problem, setProblem] = useState<string>()
  const resolve = useMutation({
    mutationFn: async (): Promise<string[]> => {
      const parts = Array.from({ length: Math.ceil(ids.length / IDS_MAX) }, (_, i) =>
        ids.slice(i * IDS_MAX, (i + 1) * IDS_MAX),
      )
      let discarded = 0
      const items: Outcome[] = []
      for (const part of parts) {
        if (how === 'discard')
          discarded += (await api(quarantine.discard, { ids: part, reason: reason.trim() })).discarded
        else items.push(...(await api(quarantine.replay, { ids: part, accept_time: acceptTime })).items)
      }
      return how === 'discard' ? [`${many(discarded)} discarded. What was sent stays readable.`] : summed(items)
    },
    onSuccess: onDone,
    onSettled: () => queryClient.invalidateQueries({ queryKey: quarantineQueries.all }),
  })
  const title = how === 'replay' ? `Record ${many(ids.length)} again?` : `Discard ${many(ids.length)}?`
  const submit = () => {
    const isReady = how === 'replay' || quarantine.discard.input.shape.reason.safeParse(reason).success
    setProblem(isReady ? undefined : 'Say why in one line of up to 80 characters.')
    if (isReady && !resolve.isPending) resolve.mutate()
  }
  return (
    <Dialog open onOpenChange={(next) => !next && onClose()}>
      <DialogContent
        title={resolve.data ? 'Done' : title}
        footer={
          resolve.data ? (
            <DialogClose asChild>
              <Button variant="primary">Close</Button>
            </DialogClose>
          ) : (
            <>
              <DialogClose asChild>
                <Button>Cancel</Button>
              </DialogClose>
              <Button
                type="submit"
                form={FORM_ID}
                variant={how === 'replay' ? 'primary' : 'danger'}
                disabled={resolve.isPending}
              >
                {resolve.isPending ? 'Working…' : how === 'replay' ? 'Record again' : 'Discard'}
              </Button>
            </>
          )
        }
      >
        {resolve.data ? (
          <ul role="status" className="flex flex-col gap-1 text-sm">
            {resolve.data.map((line) => (
              <li key={line} className="break-words">
                {line}
              </li>
            ))}
          </ul>
        ) : (
          <form
            id={FORM_ID}
            noValidate
            className="flex flex-col gap-4 text-sm"
            onSubmit={(event) => {
              event.preventDefault()
              submit()
            }}
          >
            {resolve.error && (
              <Callout tone="danger" role="alert">
                {resolve.error.message}
              </Callout>
            )}
            {how === 'replay' ? (
              <>
                <p>Each is checked by the rules of today. What is refused again stays here and waits.</p>
                <div className="flex items-start gap-2.5">
                  <Checkbox
                    id="accept-time"
                    checked={acceptTime}
                    onCheckedChange={(checked) => setAcceptTime(checked === true)}
                    className="mt-0.5"
                  />
                  <div>
                    <Label htmlFor="accept-time">Take its time as it is</Label>
                    <p className="text-fg-muted text-xs">
                      For events of a gateway whose clock was wrong. Otherwise a time that is not plausible is refused.
                    </p>
                  </div>
                </div>
              </>
            ) : (
              <>
                <p>They will never be among the events. What was sent stays readable, and the gaps stay visible.</p>
                <Field
                  id="discard-reason"
                  label="Why are they given up?"
                  hint="Your reason and your name go into the activity record."
                  error={problem}
                >
                  <Input
                    {...describedBy('discard-reason', problem)}
                    value={reason}
                    maxLength={80}
                    autoComplete="off"
                    onChange={(event) => setReason(event.target.value)}
                  />
                </Field>
              </>
            )}
          </form>
        )}
      </DialogContent>
    </Dialog>
  )
}

type Outcome = { outcome: keyof typeof OUTCOME_WORDS; reason: string | null }

/** `3 events recorded.`, and for what was refused the reasons, each once. */
function summed(items: readonly Outcome[]): string[] {
  const counts = new Map<string, number>()
  for (const { outcome, reason } of items) {
    const words = `${OUTCOME_WORDS[outcome]}${outcome === 'refused' && reason ? `: ${reason}` : ''}`
    counts.set(words, (counts.get(words) ?? 0) + 1)
  }
  return [...counts].map(([words, count]) => `${many(count)} ${words}.`)
}
