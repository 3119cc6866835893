'use client'

import { Check, Clock } from 'lucide-react'
import { useState } from 'react'
import { Button } from './button'
import { Input } from './input'
import { Label } from './label'
import { Popover, PopoverContent, PopoverTrigger } from './popover'
import { describeTimeRange, TIME_PRESETS, type TimePreset, type TimeRange } from './time-range'

type TimeRangePickerProps = {
  range: TimeRange
  onChange: (range: TimeRange) => void
  /** What is offered besides a range of one's own. */
  presets?: readonly TimePreset[]
}

export function TimeRangePicker({ range, onChange, presets = TIME_PRESETS }: TimeRangePickerProps) {
  const [open, setOpen] = useState(false)
  const preset = presets.find(({ value, until }) => range.since === value && range.until === until)
  const words = preset?.label ?? describeTimeRange(range)
  const choose = (next: TimeRange) => {
    onChange(next)
    setOpen(false)
  }
  return (
    <Popover open={open} onOpenChange={setOpen}>
      <PopoverTrigger asChild>
        <Button aria-label={`Time range: ${words}`} className="font-normal">
          <Clock className="text-fg-muted" />
          <span className="first-letter:uppercase">{words}</span>
        </Button>
      </PopoverTrigger>
      <PopoverContent align="end" className="p-1" aria-label="Time range">
        <ul>
          {presets.map(({ value, until, label }) => (
            <li key={label}>
              <button
                type="button"
                className="flex w-full items-center justify-between rounded-md px-2.5 py-1.5 text-left text-sm hover:bg-hover"
                onClick={() => choose({ since: value, until })}
              >
                {label}
                {range.since === value && range.until === until && <Check aria-label="chosen" className="size-4" />}
              </button>
            </li>
          ))}
        </ul>
        <CustomRange range={range} onChange={choose} />
      </PopoverContent>
    </Popover>
  )
}

function CustomRange({ range, onChange }: Pick<TimeRangePickerProps, 'range' | 'onChange'>) {
  const [since, setSince] = useState(() => toLocalInput(range.since))
  const [until, setUntil] = useState(() => toLocalInput(range.until))
  const isReversed = since !== '' && until !== '' && since >= until
  return (
    <form
      className="-mx-1 mt-1 flex flex-col gap-2 border-t px-3.5 pt-2.5 pb-2"
      onSubmit={(event) => {
        event.preventDefault()
        if (since && !isReversed) onChange({ since: toInstant(since), until: until ? toInstant(until) : undefined })
      }}
    >
      <Label htmlFor="range-since">From (your time zone)</Label>
      <Input
        id="range-since"
        type="datetime-local"
        required
        value={since}
        onChange={(event) => setSince(event.target.value)}
      />
      <Label htmlFor="range-until">To, or empty for now</Label>
      <Input id="range-until" type="datetime-local" value={until} onChange={(event) => setUntil(event.target.value)} />
      <p role="alert" className="text-danger-text text-xs empty:hidden">
        {isReversed ? 'The end must come after the beginning.' : ''}
      </p>
      <Button type="submit" size="sm" disabled={!since || isReversed}>
        Apply range
      </Button>
    </form>
  )
}

const toInstant = (local: string) => new Date(local).toISOString()

/** What a `datetime-local` field reads; relative times have no such form. */
function toLocalInput(text: string | undefined) {
  const date = new Date(text ?? '')
  if (Number.isNaN(date.getTime())) return ''
  return new Date(date.getTime() - date.getTimezoneOffset() * 60_000).toISOString().slice(0, 16)
}
