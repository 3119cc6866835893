'use client'

import { zodResolver } from '@hookform/resolvers/zod'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { useForm } from 'react-hook-form'
import { z } from 'zod'
import { rolesWith } from '@/components/shell/roles-with'
import { useCan } from '@/components/shell/whoami-context'
import { Button } from '@/components/ui/button'
import { Callout } from '@/components/ui/callout'
import { Checkbox } from '@/components/ui/checkbox'
import { CheckedForm } from '@/components/ui/checked-form'
import { Choice } from '@/components/ui/choice'
import { ErrorState } from '@/components/ui/error-state'
import { describedBy, Field } from '@/components/ui/field'
import { placeProblems } from '@/components/ui/form-problems'
import { Input } from '@/components/ui/input'
import { Label } from '@/components/ui/label'
import { typedMoney } from '@/components/ui/money'
import { notice } from '@/components/ui/notice'
import { RelativeTime } from '@/components/ui/relative-time'
import { Skeleton } from '@/components/ui/skeleton'
import { dollars, timeZone, UNKNOWN_PRICE_RULES } from '@/lib/contract/spend-shapes'
import { type SpendSettings, wallets } from '@/lib/contract/wallets'
import { nanoUsdOf, shortUsdOfNano } from '@/lib/money'
import { api } from '../api'
import { walletQueries } from './wallet-queries'
import { UNKNOWN_PRICE_WORDS } from './wallet-words'

/** How spend is governed: whether somebody has to pay, and what becomes of what nobody knows the price of. */
export function SpendSettingsPanel() {
  const { data, error, refetch } = useQuery(walletQueries.settings())
  if (error && !data) return <ErrorState error={error} onRetry={() => void refetch()} />
  if (!data) return <Skeleton className="h-72 max-w-2xl" />
  return <SettingsForm key={data.updated_at} settings={data} />
}

const Draft = z.object({
  wallets_required: z.boolean(),
  unknown_price: z.enum(UNKNOWN_PRICE_RULES),
  unknown_price_usd: z.string().transform(typedMoney).pipe(dollars),
  time_zone: z.string().trim().pipe(timeZone),
})
type Draft = z.input<typeof Draft>
const FIELDS = ['wallets_required', 'unknown_price', 'unknown_price_usd', 'time_zone'] as const

function SettingsForm({ settings }: { settings: SpendSettings }) {
  const mayWrite = useCan('org:billing')
  const queryClient = useQueryClient()
  const [general, setGeneral] = useState<string | null>(null)
  const form = useForm<Draft, unknown, z.output<typeof Draft>>({
    resolver: zodResolver(Draft),
    defaultValues: {
      wallets_required: settings.wallets_required,
      unknown_price: settings.unknown_price,
      unknown_price_usd: shortUsdOfNano(nanoUsdOf(settings.unknown_price_usd)),
      time_zone: settings.time_zone,
    },
  })
  const { errors, isDirty } = form.formState
  const value = form.watch()
  const save = useMutation({
    mutationFn: (input: z.output<typeof Draft>) => api(wallets.updateSettings, input),
    onSuccess: (saved) => {
      queryClient.setQueryData(walletQueries.settings().queryKey, saved)
      notice.success('The rules were changed. Gateways hear of it at once.')
    },
    onError: (error) => setGeneral(placeProblems(error, FIELDS, form.setError)),
  })
  const rule = UNKNOWN_PRICE_WORDS[value.unknown_price]
  return (
    <CheckedForm
      className="max-w-2xl"
      problem={general}
      isPending={save.isPending}
      onSubmit={form.handleSubmit((input) => {
        setGeneral(null)
        save.mutate(input)
      })}
    >
      <fieldset disabled={!mayWrite} className="flex flex-col gap-6">
        {!mayWrite && <Callout>Changed by: {rolesWith('org:billing').join(', ')}.</Callout>}
        <div className="flex items-start gap-2.5">
          <Checkbox
            id="wallets_required"
            className="mt-0.5"
            checked={value.wallets_required}
            onCheckedChange={(checked) => form.setValue('wallets_required', checked === true, { shouldDirty: true })}
          />
          <div>
            <Label htmlFor="wallets_required">Every request has to be paid from a wallet</Label>
            <p className="text-fg-muted text-xs">
              Of its user, its team or the organization, the first that can. Where none can, it is refused with 402
              before it costs anything. Without this, spend is counted and nobody has to have the money.
            </p>
          </div>
        </div>
        <Field id="unknown_price" label="A request whose price nobody knows" hint={rule.means}>
          <Choice
            label="A request whose price nobody knows"
            value={value.unknown_price}
            onChange={(next) =>
              form.setValue('unknown_price', UNKNOWN_PRICE_RULES.find((known) => known === next) ?? 'flag', {
                shouldDirty: true,
              })
            }
            options={UNKNOWN_PRICE_RULES.map((one) => ({ value: one, label: UNKNOWN_PRICE_WORDS[one].label }))}
          />
        </Field>
        {value.unknown_price === 'hold_default' && (
          <Field
            id="unknown_price_usd"
            label="What it is taken to cost, in US dollars"
            error={errors.unknown_price_usd?.message}
          >
            <Input
              {...describedBy('unknown_price_usd', errors.unknown_price_usd)}
              inputMode="decimal"
              className="max-w-40"
              {...form.register('unknown_price_usd')}
            />
          </Field>
        )}
        <Field
          id="spend-zone"
          label="Time zone of months"
          hint="Reports and closings count a month from midnight to midnight there. Months that are closed stay as they are."
          error={errors.time_zone?.message}
        >
          <Input
            {...describedBy('spend-zone', errors.time_zone)}
            className="max-w-60"
            autoComplete="off"
            spellCheck={false}
            {...form.register('time_zone')}
          />
        </Field>
        {mayWrite && (
          <div className="flex items-center gap-3">
            <Button type="submit" variant="primary" disabled={save.isPending || !isDirty}>
              {save.isPending ? 'Saving…' : 'Save changes'}
            </Button>
            <span className="text-fg-muted text-xs">
              Last changed <RelativeTime at={settings.updated_at} />
            </span>
          </div>
        )}
      </fieldset>
    </CheckedForm>
  )
}
