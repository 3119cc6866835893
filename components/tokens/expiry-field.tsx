'use client'

import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { useCan } from '@/components/shell/whoami-context'
import { Callout } from '@/components/ui/callout'
import { Choice } from '@/components/ui/choice'
import { describedBy, Field } from '@/components/ui/field'
import { Input } from '@/components/ui/input'
import { ExactTime } from '@/components/ui/relative-time'
import { tokenQueries } from './token-queries'

const DAY_MS = 86_400_000
const PRESETS = [
  { value: '1', label: '24 hours' },
  { value: '7', label: '7 days' },
  { value: '30', label: '30 days' },
  { value: '90', label: '90 days' },
] as const

type ExpiryFieldProps = {
  expiresAt: string | null | undefined
  onChange: (expiresAt: string | null) => void
  defaultDays: number
  error: string | undefined
}

export const inDays = (days: number) => new Date(Date.now() + days * DAY_MS).toISOString()

/** Presets, a date, or none with a warning; only what the organisation's key policy lets through. */
export function ExpiryField({ expiresAt, onChange, defaultDays, error }: ExpiryFieldProps) {
  const [preset, setPreset] = useState(String(defaultDays))
  const policy = useQuery({ ...tokenQueries.policy(), enabled: useCan('settings:read') }).data
  const daysMax = policy?.key_lifetime_days_max ?? Number.POSITIVE_INFINITY
  const mayNeverExpire = !policy?.key_expiry_required && daysMax === Number.POSITIVE_INFINITY
  const choose = (value: string) => {
    setPreset(value)
    if (value === 'none') onChange(null)
    else if (value !== 'custom') onChange(inDays(Number(value)))
  }
  return (
    <Field
      id="expiry"
      label="Expiry"
      error={error}
      hint={Number.isFinite(daysMax) ? `Your organization lets keys live for ${daysMax} days at most.` : undefined}
    >
      <Choice
        label="Expiry"
        value={preset}
        onChange={choose}
        options={[
          ...PRESETS.filter(({ value }) => Number(value) <= daysMax),
          { value: 'custom', label: 'Custom' },
          ...(mayNeverExpire ? [{ value: 'none', label: 'None' }] : []),
        ]}
      />
      {preset === 'custom' && (
        <Input
          {...describedBy('expiry', error)}
          type="datetime-local"
          aria-label="Expires at, in your time zone"
          onChange={(event) => event.target.value && onChange(new Date(event.target.value).toISOString())}
        />
      )}
      {preset === 'none' ? (
        <Callout tone="warn">A leaked key without expiry works until somebody notices and revokes it.</Callout>
      ) : (
        expiresAt && (
          <div className="text-fg-muted text-xs">
            <ExactTime at={expiresAt} />
          </div>
        )
      )}
    </Field>
  )
}
