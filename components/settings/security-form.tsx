'use client'

import { zodResolver } from '@hookform/resolvers/zod'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { type UseFormReturn, useForm } from 'react-hook-form'
import type { z } from 'zod'
import { useCan } from '@/components/shell/whoami-context'
import { Button } from '@/components/ui/button'
import { Callout } from '@/components/ui/callout'
import { Checkbox } from '@/components/ui/checkbox'
import { Choice } from '@/components/ui/choice'
import { describedBy, Field } from '@/components/ui/field'
import { Input } from '@/components/ui/input'
import { Label } from '@/components/ui/label'
import { notice } from '@/components/ui/notice'
import { RelativeTime } from '@/components/ui/relative-time'
import { settings as contract, type SecuritySettings } from '@/lib/contract/settings'
import { api } from '../api'
import { settingsQueries } from './settings-queries'

type Values = z.input<typeof contract.updateSecurity.input>

export function SecurityForm({ settings }: { settings: SecuritySettings }) {
  const mayWrite = useCan('settings:write')
  const queryClient = useQueryClient()
  const { updated_at, ...current } = settings
  const form = useForm<Values>({ resolver: zodResolver(contract.updateSecurity.input), defaultValues: current })
  const save = useMutation({
    mutationFn: (values: Values) => api(contract.updateSecurity, values),
    onSuccess: (saved) => {
      queryClient.setQueryData(settingsQueries.security().queryKey, saved)
      notice.success('The security settings were changed.')
    },
  })
  return (
    <form noValidate className="max-w-2xl" onSubmit={form.handleSubmit((values) => save.mutate(values))}>
      <fieldset disabled={!mayWrite} className="flex flex-col gap-8">
        {!mayWrite && <Callout>Owners and admins can change these.</Callout>}
        {save.error && (
          <Callout tone="danger" role="alert">
            {save.error.message}
          </Callout>
        )}
        <Section title="Sign-in sessions">
          <NumberField
            form={form}
            name="session_idle_minutes"
            label="Ends after this many minutes without use"
            hint="5 to 1,440. Checked at each request."
          />
          <NumberField
            form={form}
            name="session_absolute_hours"
            label="Ends this many hours after sign-in, whatever happens"
            hint="1 to 720. Applies to sign-ins from now on."
          />
        </Section>
        <Section title="Keys">
          <NumberField
            form={form}
            name="key_lifetime_days_max"
            label="Longest life of a new key, in days"
            hint="Empty sets no bound. Keys that exist keep their expiry."
            isOptional
          />
          <ExpiryRequired form={form} />
        </Section>
        <Section title="Gateways">
          <CaptureChoice form={form} />
          <NumberField
            form={form}
            name="max_offline_key_age_seconds"
            label="How long keys work without word from the control plane, in seconds"
            hint="0 refuses at once; 86,400 is a day. A revoked key can live this long at a gateway that is cut off."
          />
        </Section>
        <Section title="How long records are kept">
          <NumberField
            form={form}
            name="payloads_retention_days"
            label="Content of requests and answers, in days"
            hint="Empty keeps it as long as its event. Older content is erased every night, for good; hashes and decisions stay. A legal hold keeps what it covers."
            isOptional
          />
          <NumberField
            form={form}
            name="events_retention_days"
            label="Decision events, in days"
            hint="7 or more; empty keeps them for ever. Whole months are dropped once their last day is older, the trail has signed them and no legal hold covers them. Totals stay, and the record says which places were dropped."
            isOptional
          />
        </Section>
        {mayWrite && (
          <div className="flex items-center gap-3">
            <Button type="submit" variant="primary" disabled={save.isPending || !form.formState.isDirty}>
              {save.isPending ? 'Saving…' : 'Save changes'}
            </Button>
            <span className="text-fg-muted text-xs">
              Last changed <RelativeTime at={updated_at} />
            </span>
          </div>
        )}
      </fieldset>
    </form>
  )
}

function Section({ title, children }: { title: string; children: React.ReactNode }) {
  return (
    <section className="flex flex-col gap-4">
      <h2 className="border-b pb-1.5 font-medium text-sm">{title}</h2>
      {children}
    </section>
  )
}

type FormProps = { form: UseFormReturn<Values> }
type NumberName =
  | 'session_idle_minutes'
  | 'session_absolute_hours'
  | 'key_lifetime_days_max'
  | 'max_offline_key_age_seconds'
  | 'payloads_retention_days'
  | 'events_retention_days'

function NumberField({
  form,
  name,
  label,
  hint,
  isOptional,
}: FormProps & { name: NumberName; label: string; hint: string; isOptional?: boolean }) {
  const error = form.formState.errors[name]
  const toNumber = (text: string | number | null) => {
    if (text === '' || text === null) return isOptional ? null : Number.NaN
    return Number(text)
  }
  return (
    <Field id={name} label={label} hint={hint} error={error?.message}>
      <Input
        {...describedBy(name, error)}
        inputMode="numeric"
        className="max-w-40"
        {...form.register(name, { setValueAs: toNumber })}
      />
    </Field>
  )
}

function ExpiryRequired({ form }: FormProps) {
  return (
    <div className="flex items-start gap-2.5">
      <Checkbox
        id="key_expiry_required"
        checked={form.watch('key_expiry_required')}
        onCheckedChange={(checked) => form.setValue('key_expiry_required', checked === true, { shouldDirty: true })}
        className="mt-0.5"
      />
      <div>
        <Label htmlFor="key_expiry_required">New keys must expire</Label>
        <p className="text-fg-muted text-xs">
          A key without an expiry is refused when it is created, changed or rotated.
        </p>
      </div>
    </div>
  )
}

const CAPTURE = [
  {
    value: 'none',
    label: 'Hashes only',
    means: 'SHA-256 and size of each, so that a copy can be recognised later. The content itself stays nowhere.',
  },
  {
    value: 'redacted',
    label: 'Masked content',
    means:
      'Prompts and answers are stored with addresses, numbers, cards, ids and secrets masked, up to 1 MiB each; names of people in sentences are not found. What cannot be read, such as sound, is not stored. Reading them needs a permission and a reason, and is recorded.',
  },
  {
    value: 'full',
    label: 'Full content',
    means:
      'Prompts and answers are stored byte for byte, up to 1 MiB each, with whatever personal data and secrets are in them. Reading them needs a permission and a reason, and is recorded.',
  },
] as const

function CaptureChoice({ form }: FormProps) {
  const value = form.watch('payload_capture')
  const chosen = CAPTURE.find((option) => option.value === value) ?? CAPTURE[0]
  return (
    <div className="flex flex-col gap-1.5">
      <Label>What gateways record of requests and answers</Label>
      <Choice
        label="What gateways record of requests and answers"
        value={chosen.value}
        onChange={(next) => {
          const option = CAPTURE.find(({ value: one }) => one === next)
          if (option) form.setValue('payload_capture', option.value, { shouldDirty: true })
        }}
        options={CAPTURE}
      />
      <p className="text-fg-muted text-xs">{chosen.means}</p>
    </div>
  )
}
