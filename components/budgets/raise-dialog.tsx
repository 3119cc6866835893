'use client'

import { zodResolver } from '@hookform/resolvers/zod'
import { useState } from 'react'
import { useForm } from 'react-hook-form'
import { z } from 'zod'
import { describedBy, Field } from '@/components/ui/field'
import { FormDialog } from '@/components/ui/form-dialog'
import { placeProblems } from '@/components/ui/form-problems'
import { Input } from '@/components/ui/input'
import { moneyText, sumOfMoney, typedMoney } from '@/components/ui/money'
import { notice } from '@/components/ui/notice'
import { localInputOf } from '@/components/ui/viewer-zone'
import { type Budget, budgets } from '@/lib/contract/budgets'
import { someDollars } from '@/lib/contract/spend-shapes'
import { useBudgetCommand } from './use-budget-command'

const DAY_MS = 86_400_000
const ONE_LINE = 'One line of up to 80 characters.'

const Draft = z.object({
  amount_usd: z.string().transform(typedMoney).pipe(someDollars),
  reason: z.string().trim().min(1, `Say why. ${ONE_LINE}`).max(80, ONE_LINE),
  approved_by: z.string().trim().max(80, ONE_LINE),
  expires_at: z
    .string()
    .refine((local) => new Date(local).getTime() > Date.now(), 'Choose a time that is still to come.'),
})
type Draft = z.input<typeof Draft>

/** More for the window that is open, for a while, with a reason. */
export function RaiseDialog({ budget, onClose }: { budget: Budget; onClose: () => void }) {
  const raise = useBudgetCommand(budgets.raise)
  const [general, setGeneral] = useState<string | null>(null)
  const form = useForm<Draft, unknown, z.output<typeof Draft>>({
    resolver: zodResolver(Draft),
    defaultValues: {
      amount_usd: '',
      reason: '',
      approved_by: '',
      expires_at: localInputOf(new Date(budget.current.resets_at ?? Date.now() + 7 * DAY_MS)),
    },
  })
  const { errors } = form.formState
  const amount = someDollars.safeParse(typedMoney(form.watch('amount_usd')))
  const submit = form.handleSubmit(async ({ amount_usd, reason, approved_by, expires_at }) => {
    setGeneral(null)
    try {
      await raise.mutateAsync({
        id: budget.id,
        amount_usd,
        reason,
        approved_by: approved_by || undefined,
        expires_at: new Date(expires_at).toISOString(),
      })
    } catch (thrown) {
      setGeneral(placeProblems(thrown, ['amount_usd', 'reason', 'approved_by', 'expires_at'], form.setError))
      return
    }
    notice.success(`${budget.name} was raised by ${moneyText(amount_usd)}.`)
    onClose()
  })
  return (
    <FormDialog
      title={`Raise ${budget.name}`}
      description="For the window that is open. It ends by itself; the limit stays what it is."
      verb="Raise budget"
      doing="Raising…"
      problem={general}
      isPending={raise.isPending}
      onSubmit={submit}
      onClose={onClose}
    >
      <Field
        id="raise-amount"
        label="By how much, in US dollars"
        hint={
          amount.success
            ? `${moneyText(budget.current.limit_usd)} now, ${moneyText(sumOfMoney([budget.current.limit_usd, amount.data]))} then.`
            : `${moneyText(budget.current.limit_usd)} now.`
        }
        error={errors.amount_usd?.message}
      >
        <Input
          {...describedBy('raise-amount', errors.amount_usd)}
          inputMode="decimal"
          autoComplete="off"
          placeholder="500.00"
          {...form.register('amount_usd')}
        />
      </Field>
      <Field id="raise-reason" label="Why" error={errors.reason?.message}>
        <Input
          {...describedBy('raise-reason', errors.reason)}
          autoComplete="off"
          placeholder="Quarter end"
          {...form.register('reason')}
        />
      </Field>
      <Field
        id="raise-approved"
        label="Who agreed"
        hint="When it is not you. Stands in the activity beside your name."
        error={errors.approved_by?.message}
      >
        <Input
          {...describedBy('raise-approved', errors.approved_by)}
          autoComplete="off"
          {...form.register('approved_by')}
        />
      </Field>
      <Field
        id="raise-until"
        label="Until (your time zone)"
        hint="It ends with the window, too."
        error={errors.expires_at?.message}
      >
        <Input
          {...describedBy('raise-until', errors.expires_at)}
          type="datetime-local"
          {...form.register('expires_at')}
        />
      </Field>
    </FormDialog>
  )
}
