'use client'

import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { parseAsString, parseAsStringLiteral, useQueryStates } from 'nuqs'
import { useEffect, useState } from 'react'
import { useCan } from '@/components/shell/whoami-context'
import { Callout } from '@/components/ui/callout'
import { Choice } from '@/components/ui/choice'
import { describedBy, Field } from '@/components/ui/field'
import { FormDialog } from '@/components/ui/form-dialog'
import { type PlacedProblems, problemsOfAnswer } from '@/components/ui/form-problems'
import { Input } from '@/components/ui/input'
import { notice } from '@/components/ui/notice'
import type { TimeRange } from '@/components/ui/time-range'
import { TimeRangePicker } from '@/components/ui/time-range-picker'
import { useOpenRow } from '@/components/ui/use-open-row'
import {
  EXPORT_EVERY,
  EXPORT_FORMATS,
  EXPORT_TYPES,
  type ExportFormat,
  type ExportType,
} from '@/lib/contract/export-shapes'
import { exportSchedules, exports } from '@/lib/contract/exports'
import { newId } from '@/lib/ids'
import { api } from '../api'
import { exportQueries, type Preview } from './export-queries'
import { bytesWords, countWords, dollarsWords, EVERY_WORDS, FORMAT_WORDS, TYPE_WORDS } from './export-words'

const SETTLE_MS = 400

/** A page that shows rows links here with its own range and filter. */
const prefill = {
  type: parseAsStringLiteral(EXPORT_TYPES),
  since: parseAsString,
  until: parseAsString,
  filter: parseAsString,
}

type Draft = {
  type: ExportType
  format: ExportFormat
  range: TimeRange
  filter: string
  fields: string
  purpose: string
  /** `once`, or how often it is repeated. */
  every: 'once' | (typeof EXPORT_EVERY)[number]
  name: string
}

const FIELDS = ['name', 'filter', 'fields', 'purpose'] as const
const NONE: PlacedProblems<(typeof FIELDS)[number]> = { fields: {}, general: null }

/** While it is open: closed and opened again, it begins anew. */
export function CreateDialog({ open, onClose }: { open: boolean; onClose: () => void }) {
  return open ? <CreateExport onClose={onClose} /> : null
}

function CreateExport({ onClose }: { onClose: () => void }) {
  const queryClient = useQueryClient()
  const canExportActivity = useCan('activity:export')
  const [, setOpenId] = useOpenRow()
  const [url, setUrl] = useQueryStates(prefill)
  const [draft, setDraft] = useState<Draft>({
    type: url.type ?? 'events',
    format: 'json_lines',
    range: { since: url.since ?? '24h', until: url.until ?? undefined },
    filter: url.filter ?? '',
    fields: '',
    purpose: '',
    every: 'once',
    name: '',
  })
  const [problems, setProblems] = useState(NONE)
  const change = (part: Partial<Draft>) => setDraft((before) => ({ ...before, ...part }))
  const isRepeated = draft.every !== 'once'
  const create = useMutation({
    mutationFn: async (wanted: Draft) => {
      const { time_window, ...definition } = definitionOf(wanted)
      const options = { idempotencyKey: newId('req') }
      if (wanted.every === 'once') return (await api(exports.create, { ...definition, time_window }, options)).id
      await api(
        exportSchedules.create,
        { ...definition, name: wanted.name, every: wanted.every, timezone: zone() },
        options,
      )
      return null
    },
    onSuccess: (id) => {
      notice.success(id ? 'The export is being made.' : 'The schedule is set.')
      void setUrl({ type: null, since: null, until: null, filter: null })
      onClose()
      if (id) void setOpenId(id)
    },
    onError: (error) => setProblems(problemsOfAnswer(error, FIELDS)),
    onSettled: () => queryClient.invalidateQueries({ queryKey: exportQueries.all }),
  })
  return (
    <FormDialog
      className="max-w-xl"
      title="Create export"
      description="It is made in the background; you can leave this page."
      verb={isRepeated ? 'Create schedule' : 'Create export'}
      doing="Creating…"
      problem={problems.general}
      isPending={create.isPending}
      onSubmit={() => {
        const isNameless = isRepeated && draft.name.trim() === ''
        setProblems(isNameless ? { fields: { name: 'Name the schedule.' }, general: null } : NONE)
        if (!isNameless) create.mutate(draft)
      }}
      onClose={onClose}
    >
      <fieldset className="flex flex-col gap-1.5">
        <legend className="mb-1.5 font-medium text-sm">What</legend>
        <Choice
          label="What to export"
          value={draft.type}
          onChange={(type) => change({ type: EXPORT_TYPES.find((known) => known === type) ?? 'events' })}
          options={EXPORT_TYPES.filter((type) => type !== 'activity' || canExportActivity).map((value) => ({
            value,
            label: TYPE_WORDS[value],
          }))}
        />
      </fieldset>
      <fieldset className="flex flex-col gap-1.5">
        <legend className="mb-1.5 font-medium text-sm">When</legend>
        <Choice
          label="Once or again and again"
          value={draft.every}
          onChange={(every) => change({ every: EXPORT_EVERY.find((known) => known === every) ?? 'once' })}
          options={[
            { value: 'once', label: 'Once' },
            ...EXPORT_EVERY.map((value) => ({ value, label: EVERY_WORDS[value] })),
          ]}
        />
        {isRepeated ? (
          <p className="text-fg-muted text-xs">
            Runs at 01:00 ({zone()}) and covers exactly the {draft.every} that is over then.
          </p>
        ) : (
          <div>
            <TimeRangePicker range={draft.range} onChange={(range) => change({ range })} />
          </div>
        )}
      </fieldset>
      {isRepeated && (
        <Field id="schedule-name" label="Name of the schedule" error={problems.fields.name}>
          <Input
            {...describedBy('schedule-name', problems.fields.name)}
            autoComplete="off"
            value={draft.name}
            onChange={(event) => change({ name: event.target.value })}
          />
        </Field>
      )}
      <Field
        id="export-filter"
        label="Filter"
        hint="Such as verdict=block token_name~production. Empty takes all."
        error={problems.fields.filter}
      >
        <Input
          {...describedBy('export-filter', problems.fields.filter)}
          className="font-mono"
          autoComplete="off"
          spellCheck={false}
          value={draft.filter}
          onChange={(event) => change({ filter: event.target.value })}
        />
      </Field>
      <fieldset className="flex flex-col gap-1.5">
        <legend className="mb-1.5 font-medium text-sm">Format</legend>
        <Choice
          label="Format"
          value={draft.format}
          onChange={(format) => change({ format: EXPORT_FORMATS.find((known) => known === format) ?? 'json_lines' })}
          options={EXPORT_FORMATS.map((value) => ({ value, label: FORMAT_WORDS[value] }))}
        />
        <p className="text-fg-muted text-xs">{FORMAT_HINTS[draft.format]}</p>
      </fieldset>
      <Field
        id="export-fields"
        label="Fields"
        hint="Separated by commas, in this order. Empty takes all."
        error={problems.fields.fields}
      >
        <Input
          {...describedBy('export-fields', problems.fields.fields)}
          className="font-mono"
          autoComplete="off"
          spellCheck={false}
          value={draft.fields}
          onChange={(event) => change({ fields: event.target.value })}
        />
      </Field>
      <Field
        id="export-purpose"
        label="Purpose"
        hint="Stands in the manifest and in the activity."
        error={problems.fields.purpose}
      >
        <Input
          {...describedBy('export-purpose', problems.fields.purpose)}
          autoComplete="off"
          value={draft.purpose}
          onChange={(event) => change({ purpose: event.target.value })}
        />
      </Field>
      {!isRepeated && <Estimate draft={draft} />}
    </FormDialog>
  )
}

const FORMAT_HINTS: Record<ExportFormat, string> = {
  json: 'One array.',
  json_lines: 'The recorded lines byte for byte, one per row: what digests are made from.',
  csv: 'RFC 4180, for spreadsheets. Cells that a spreadsheet would take for a formula begin with an apostrophe.',
  parquet: 'Typed columns, for data tools; a fraction of the size.',
}

/** What an export made now would hold. Asked for when typing rests. */
function Estimate({ draft }: { draft: Draft }) {
  const wanted = definitionOf(draft)
  const settled = useSettled(JSON.stringify(wanted))
  const { data, error, isFetching } = useQuery(exportQueries.preview(JSON.parse(settled) as Preview))
  const words = error
    ? error.message
    : data && !isFetching
      ? `${data.accuracy === 'at_most' ? 'At most ' : ''}${countWords(data.rows)} rows, about ${bytesWords(data.bytes_estimated)}, cost of the rows ${dollarsWords(data.cost_usd)}${data.unpriced > 0 ? `, without ${countWords(data.unpriced)} whose price is unknown` : ''}`
      : 'Counting…'
  return (
    <Callout tone={error ? 'danger' : 'info'} role="status">
      <span aria-busy={isFetching}>{words}</span>
    </Callout>
  )
}

function useSettled(text: string): string {
  const [settled, setSettled] = useState(text)
  useEffect(() => {
    const timer = setTimeout(() => setSettled(text), SETTLE_MS)
    return () => clearTimeout(timer)
  }, [text])
  return settled
}

function definitionOf({ type, format, range, filter, fields, purpose }: Draft) {
  const names = fields
    .split(',')
    .map((name) => name.trim())
    .filter(Boolean)
  return {
    type,
    format,
    filter: filter.trim(),
    fields: names.length > 0 ? names : undefined,
    purpose: purpose.trim(),
    time_window: { since: range.since, until: range.until },
  }
}

const zone = () => Intl.DateTimeFormat().resolvedOptions().timeZone
