'use client'

import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { Callout } from '@/components/ui/callout'
import { ConfirmDialog } from '@/components/ui/confirm-dialog'
import { describedBy, Field } from '@/components/ui/field'
import { Input } from '@/components/ui/input'
import { moneyText } from '@/components/ui/money'
import { notice } from '@/components/ui/notice'
import { useAttemptKey } from '@/components/ui/use-attempt-key'
import { displayName } from '@/lib/contract/fields'
import { type MonthState, usage } from '@/lib/contract/usage'
import { api } from '../api'
import { monthText, unpricedOf } from './month-words'
import { usageQueries } from './usage-queries'

/** A closed month is never opened again, so its name is typed. */
export function CloseMonthDialog({ month, onClose }: { month: MonthState; onClose: () => void }) {
  const queryClient = useQueryClient()
  const report = useQuery(usageQueries.month(month.month)).data
  const unpriced = report ? unpricedOf(report) : 0
  const [note, setNote] = useState('')
  const [problem, setProblem] = useState<string>()
  const idempotencyKey = useAttemptKey(note)
  const close = useMutation({
    mutationFn: (words: string | undefined) =>
      api(usage.closeMonth, { month: month.month, note: words }, { idempotencyKey }),
    onSuccess: () => {
      notice.success(`${monthText(month.month)} is closed.`)
      onClose()
    },
    onSettled: () => queryClient.invalidateQueries({ queryKey: usageQueries.all }),
  })
  return (
    <ConfirmDialog
      open
      onOpenChange={(next) => !next && onClose()}
      title={`Close ${monthText(month.month)}?`}
      confirmLabel="Close month"
      typedName={month.month}
      isPending={close.isPending}
      error={close.error}
      onConfirm={() => {
        const words = note.trim()
        const isFine = words === '' || displayName.safeParse(words).success
        setProblem(isFine ? undefined : 'One line of up to 80 characters.')
        if (isFine) close.mutate(words || undefined)
      }}
    >
      <p>
        This freezes {moneyText(month.cost_usd)} in{' '}
        {month.transactions === 1 ? 'one transaction' : `${month.transactions.toLocaleString('en')} transactions`}. The
        figure goes into the activity, and so into the trail. A month is never opened again.
      </p>
      {unpriced > 0 && (
        <Callout tone="warn" role="status">
          {unpriced === 1 ? 'One request' : `${unpriced.toLocaleString('en')} requests`} of it{' '}
          {unpriced === 1 ? 'has' : 'have'} no known price and {unpriced === 1 ? 'is' : 'are'} not in that figure. What
          is adjusted once a price is set goes under a later month.
        </Callout>
      )}
      <p>
        What comes later and belongs to it, such as events of a gateway that was cut off, is posted to the next open
        month with a reference to this one. Usage and History go on showing it at its own time.
      </p>
      <Field id="close-note" label="Note" hint="Stands in the activity record. Can be left out." error={problem}>
        <Input
          {...describedBy('close-note', problem)}
          value={note}
          maxLength={80}
          autoComplete="off"
          placeholder="Agreed with the invoices of all providers"
          onChange={(event) => setNote(event.target.value)}
        />
      </Field>
    </ConfirmDialog>
  )
}
