'use client'

import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import type { z } from 'zod'
import { Button } from '@/components/ui/button'
import { Callout } from '@/components/ui/callout'
import { CheckedForm } from '@/components/ui/checked-form'
import { Dialog, DialogContent } from '@/components/ui/dialog'
import { describedBy, Field } from '@/components/ui/field'
import { type PlacedProblems, problemsOfAnswer } from '@/components/ui/form-problems'
import { Input } from '@/components/ui/input'
import { moneyText, signedMoneyText } from '@/components/ui/money'
import { notice } from '@/components/ui/notice'
import { Select } from '@/components/ui/select'
import { TextFile } from '@/components/ui/text-file'
import { useOpenRow } from '@/components/ui/use-open-row'
import { INVOICE_CHARACTERS_MAX, INVOICE_FORMATS, usage } from '@/lib/contract/usage'
import { newId } from '@/lib/ids'
import { leftOutText, nothingRecordedText } from '@/lib/invoice-words'
import { api } from '../api'
import { DifferencesTable } from './differences-table'
import { monthText } from './month-words'
import { usageQueries } from './usage-queries'

const FORM_ID = 'compare-invoice'
const FORMAT_WORDS: Record<(typeof INVOICE_FORMATS)[number], string> = {
  auto: 'Recognize it',
  openai: 'OpenAI',
  anthropic: 'Anthropic',
  azure: 'Azure',
  generic: 'Other: date, model, key, amount',
}

type Draft = {
  month: string
  provider: string
  format: (typeof INVOICE_FORMATS)[number]
  content: string
  note: string
}
type Compared = z.output<typeof usage.importInvoice.output>
const FIELDS = ['month', 'provider', 'format', 'content', 'note'] as const
type Problems = PlacedProblems<keyof Draft>

/** Compared first, kept afterwards: nothing is written until the differences were seen. */
export function InvoiceDialog({ open, onClose }: { open: boolean; onClose: () => void }) {
  return (
    <Dialog open={open} onOpenChange={(next) => !next && onClose()}>
      {open && <Steps onClose={onClose} />}
    </Dialog>
  )
}

function lastMonth(): string {
  const now = new Date()
  return new Date(Date.UTC(now.getFullYear(), now.getMonth() - 1, 1)).toISOString().slice(0, 7)
}

function Steps({ onClose }: { onClose: () => void }) {
  const queryClient = useQueryClient()
  const [, setOpenId] = useOpenRow()
  const [draft, setDraft] = useState<Draft>({ month: lastMonth(), provider: '', format: 'auto', content: '', note: '' })
  const [problems, setProblems] = useState<Problems>({ fields: {}, general: null })
  const [compared, setCompared] = useState<Compared | null>(null)
  const send = useMutation({
    mutationFn: (dry_run: boolean) =>
      api(
        usage.importInvoice,
        { ...draft, provider: draft.provider.trim(), note: draft.note.trim() || undefined, dry_run },
        { idempotencyKey: newId('req') },
      ),
    onError: (error) => setProblems(problemsOfAnswer(error, FIELDS)),
  })
  const compare = () => {
    const found = problemsOf(draft)
    setProblems({ fields: found, general: null })
    if (Object.keys(found).length === 0) send.mutate(true, { onSuccess: setCompared })
  }
  const keep = () =>
    send.mutate(false, {
      onSuccess: ({ id }) => {
        notice.success('The invoice is kept beside the ledger.')
        void queryClient.invalidateQueries({ queryKey: usageQueries.all })
        onClose()
        void setOpenId(id)
      },
    })
  return (
    <DialogContent
      className="max-w-3xl"
      title={
        compared ? `${draft.provider.trim()}, ${monthText(draft.month)}: ${words(compared)}` : 'Compare an invoice'
      }
      description={
        compared
          ? isWhole(compared)
            ? 'Nothing is kept yet.'
            : 'It cannot be kept: an invoice of which a part is missing agrees with nothing.'
          : 'The usage or cost file of a provider, beside what the ledger holds of the same month.'
      }
      footer={
        compared ? (
          <>
            <Button onClick={() => setCompared(null)}>Back</Button>
            <Button
              variant="primary"
              disabled={send.isPending || compared.rows === 0 || !isWhole(compared)}
              onClick={keep}
            >
              {send.isPending ? 'Keeping…' : 'Keep it'}
            </Button>
          </>
        ) : (
          <>
            <Button onClick={onClose}>Cancel</Button>
            <Button type="submit" form={FORM_ID} variant="primary" disabled={send.isPending}>
              {send.isPending ? 'Comparing…' : 'Compare'}
            </Button>
          </>
        )
      }
    >
      {compared && send.error && (
        <Callout tone="danger" role="alert" className="mb-4">
          {send.error.message}
        </Callout>
      )}
      {compared ? (
        <ComparedView compared={compared} />
      ) : (
        <DraftForm
          draft={draft}
          problems={problems}
          isPending={send.isPending}
          onChange={(part) => setDraft({ ...draft, ...part })}
          onSubmit={compare}
        />
      )}
    </DialogContent>
  )
}

const words = ({ difference_usd }: Compared) =>
  /[1-9]/.test(difference_usd) ? `${signedMoneyText(difference_usd)} against the ledger` : 'no difference'

function problemsOf({ month, provider, content }: Draft): Problems['fields'] {
  const { shape } = usage.importInvoice.input
  return {
    ...(shape.month.safeParse(month).success ? {} : { month: 'Choose a month.' }),
    ...(shape.provider.safeParse(provider.trim()).success
      ? {}
      : { provider: 'Name the provider, as gateways know it.' }),
    ...(content === '' ? { content: 'Choose a file, or paste its text.' } : {}),
    ...(content.length > INVOICE_CHARACTERS_MAX
      ? { content: `It may have ${INVOICE_CHARACTERS_MAX.toLocaleString('en')} characters.` }
      : {}),
  }
}

type DraftFormProps = {
  draft: Draft
  problems: Problems
  isPending: boolean
  onChange: (part: Partial<Draft>) => void
  onSubmit: () => void
}

function DraftForm({ draft, problems: { fields: problems, general }, isPending, onChange, onSubmit }: DraftFormProps) {
  return (
    <CheckedForm id={FORM_ID} problem={general} isPending={isPending} onSubmit={onSubmit}>
      <div className="grid gap-4 sm:grid-cols-3">
        <Field id="invoice-month" label="Month" error={problems.month}>
          <Input
            {...describedBy('invoice-month', problems.month)}
            type="month"
            value={draft.month}
            onChange={(event) => onChange({ month: event.target.value })}
          />
        </Field>
        <Field id="invoice-provider" label="Provider" error={problems.provider}>
          <Input
            {...describedBy('invoice-provider', problems.provider)}
            autoComplete="off"
            spellCheck={false}
            placeholder="openai"
            value={draft.provider}
            onChange={(event) => onChange({ provider: event.target.value })}
          />
        </Field>
        <Field id="invoice-format" label="Format">
          <Select
            {...describedBy('invoice-format')}
            value={draft.format}
            onValueChange={(next) => onChange({ format: INVOICE_FORMATS.find((known) => known === next) ?? 'auto' })}
            options={INVOICE_FORMATS.map((value) => ({ value, label: FORMAT_WORDS[value] }))}
          />
        </Field>
      </div>
      <TextFile
        id="invoice-content"
        label="CSV as the provider exports it"
        accept=".csv,text/csv"
        text={draft.content}
        error={problems.content}
        onText={(content) => onChange({ content })}
      />
      <Field id="invoice-note" label="Note" hint="Can be left out." error={problems.note}>
        <Input
          {...describedBy('invoice-note', problems.note)}
          autoComplete="off"
          maxLength={80}
          value={draft.note}
          onChange={(event) => onChange({ note: event.target.value })}
        />
      </Field>
    </CheckedForm>
  )
}

const PROBLEMS_SHOWN = 10

const isWhole = ({ problems }: Compared) => problems.length === 0

function ComparedView({ compared }: { compared: Compared }) {
  const { problems } = compared
  const warning = nothingRecordedText(compared)
  return (
    <div className="flex flex-col gap-4">
      <p className="text-sm">
        Invoice {moneyText(compared.invoice_usd)}, ledger {moneyText(compared.ours_usd)},{' '}
        {compared.rows === 1 ? 'one row' : `${compared.rows.toLocaleString('en')} rows`} read. {leftOutText(compared)}
      </p>
      {warning && <Callout tone="warn">{warning}</Callout>}
      {problems.length > 0 && (
        <Callout tone="warn">
          <p className="font-medium">
            {problems.length === 1 ? 'One line' : `${problems.length} lines`} could not be read and{' '}
            {problems.length === 1 ? 'is' : 'are'} in no sum. Go back, mend {problems.length === 1 ? 'it' : 'them'}, and
            compare again:
          </p>
          <ul className="mt-1">
            {problems.slice(0, PROBLEMS_SHOWN).map(({ line, message }) => (
              <li key={`${line} ${message}`}>
                Line {line}: {message}
              </li>
            ))}
          </ul>
        </Callout>
      )}
      {compared.differences.length > 0 && <DifferencesTable rows={compared.differences} />}
    </div>
  )
}
