'use client'

import { useState } from 'react'
import { Choice } from '@/components/ui/choice'
import { Field } from '@/components/ui/field'
import { Input } from '@/components/ui/input'
import type { Token } from '@/lib/contract/tokens'

const HOUR_MS = 3_600_000
const PRESETS = [
  { value: '1', label: '1 hour ago' },
  { value: '24', label: '24 hours ago' },
  { value: '168', label: '7 days ago' },
  { value: '720', label: '30 days ago' },
] as const
/** How far back uses are counted. */
const HOURS_MAX = 399 * 24

export const hoursAgo = (hours: number) => new Date(Date.now() - hours * HOUR_MS).toISOString()

type LeakSinceFieldProps = { token: Token; since: string; onChange: (since: string) => void }

/** Since when somebody else may have had the secret. */
export function LeakSinceField({ token, since, onChange }: LeakSinceFieldProps) {
  const [preset, setPreset] = useState('24')
  const choose = (value: string) => {
    setPreset(value)
    if (value === 'created') onChange(laterOf(token.created_at, hoursAgo(HOURS_MAX)))
    else if (value !== 'custom') onChange(hoursAgo(Number(value)))
  }
  return (
    <Field id="leak-since" label="Since when may others have had it?">
      <Choice
        label="Since when may others have had it?"
        value={preset}
        onChange={choose}
        options={[
          ...PRESETS,
          { value: 'created', label: 'Since it was created' },
          { value: 'custom', label: 'A time' },
        ]}
      />
      {preset === 'custom' && (
        <Input
          id="leak-since"
          type="datetime-local"
          aria-label="Time, in your time zone"
          defaultValue={toLocalInput(since)}
          max={toLocalInput(new Date().toISOString())}
          onChange={({ target }) => {
            const at = new Date(target.value)
            const isPast = at.getTime() < Date.now() && at.getTime() > Date.now() - HOURS_MAX * HOUR_MS
            if (isPast) onChange(at.toISOString())
          }}
        />
      )}
    </Field>
  )
}

const laterOf = (a: string, b: string) => (a > b ? a : b)

function toLocalInput(instant: string): string {
  const date = new Date(instant)
  return new Date(date.getTime() - date.getTimezoneOffset() * 60_000).toISOString().slice(0, 16)
}
