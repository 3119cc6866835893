'use client'

import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { useCan } from '@/components/shell/whoami-context'
import { tokenQueries } from '@/components/tokens/token-queries'
import { describedBy, Field } from '@/components/ui/field'
import { FormDialog } from '@/components/ui/form-dialog'
import { problemsOfAnswer, sentence } from '@/components/ui/form-problems'
import { Input } from '@/components/ui/input'
import { typedMoney } from '@/components/ui/money'
import { notice } from '@/components/ui/notice'
import { Select } from '@/components/ui/select'
import { localInputOf } from '@/components/ui/viewer-zone'
import { type ModelPrice, modelPricing, NewOverride } from '@/lib/contract/model-pricing'
import { PRICE_UNITS, type PriceUnit } from '@/lib/contract/price-shapes'
import { newId } from '@/lib/ids'
import { api } from '../api'
import { priceQueries } from './price-queries'
import { priceText, UNIT_WORDS } from './price-words'

const USUAL: PriceUnit[] = ['input', 'cached_input', 'output']

type Draft = {
  provider: string
  model: string
  effective_from: string
  prices: Partial<Record<PriceUnit, string>>
  note: string
}
const FIELDS = [
  'provider',
  'model',
  'effective_from',
  'note',
  ...PRICE_UNITS.map((unit) => `prices.${unit}` as const),
  'prices',
] as const
type Problems = Partial<Record<(typeof FIELDS)[number], string>>

/** An own price from some time on. It makes a new version; the ones before stay. */
export function SetPriceDialog({ of, onClose }: { of?: ModelPrice; onClose: () => void }) {
  const queryClient = useQueryClient()
  const [draft, setDraft] = useState<Draft>({
    provider: of?.provider ?? '',
    model: of?.model ?? '',
    effective_from: localInputOf(new Date()),
    prices: Object.fromEntries(Object.entries(of?.prices ?? {}).map(([unit, price]) => [unit, priceText(price)])),
    note: '',
  })
  const [problems, setProblems] = useState<Problems>({})
  const [general, setGeneral] = useState<string | null>(null)
  const change = (part: Partial<Draft>) => setDraft((before) => ({ ...before, ...part }))
  const set = useMutation({
    mutationFn: () =>
      api(
        modelPricing.createVersion,
        { note: draft.note.trim() || undefined, set: [overrideOf(draft, of)] },
        { idempotencyKey: newId('req') },
      ),
    onSuccess: () => {
      notice.success(`${draft.model} has its own price. Gateways use it at once.`)
      onClose()
    },
    onError: (error) => {
      // Named from the whole input: `set.0.prices.input`.
      const placed = problemsOfAnswer(error, FIELDS, (path) => path.replace(/^set\.\d+\./, ''))
      setProblems(placed.fields)
      setGeneral(placed.general)
    },
    onSettled: () => queryClient.invalidateQueries({ queryKey: priceQueries.all }),
  })
  const submit = () => {
    const found = problemsOf(draft, of)
    setProblems(found)
    setGeneral(null)
    if (Object.keys(found).length === 0) set.mutate()
  }
  return (
    <FormDialog
      className="max-w-xl"
      title={of ? `Own price of ${of.model}` : 'Set a price'}
      description="For calls from then on. What is recorded keeps its cost, until somebody asks what it would have cost and adjusts it."
      verb="Set price"
      doing="Saving…"
      problem={general}
      isPending={set.isPending}
      onSubmit={submit}
      onClose={onClose}
    >
      <Names draft={draft} problems={problems} isFixed={of !== undefined} onChange={change} />
      <PriceFields draft={draft} problems={problems} onChange={change} />
      <div className="grid gap-4 sm:grid-cols-2">
        <Field id="price-from" label="From (your time zone)" error={problems.effective_from}>
          <Input
            {...describedBy('price-from', problems.effective_from)}
            type="datetime-local"
            value={draft.effective_from}
            onChange={(event) => change({ effective_from: event.target.value })}
          />
        </Field>
        <Field id="price-note" label="Note" hint="Stands beside the version." error={problems.note}>
          <Input
            {...describedBy('price-note', problems.note)}
            autoComplete="off"
            maxLength={80}
            placeholder="Contract 2026"
            value={draft.note}
            onChange={(event) => change({ note: event.target.value })}
          />
        </Field>
      </div>
    </FormDialog>
  )
}

type PartProps = { draft: Draft; problems: Problems; onChange: (part: Partial<Draft>) => void }

function Names({ draft, problems, isFixed, onChange }: PartProps & { isFixed: boolean }) {
  const served = useQuery({ ...tokenQueries.served(), enabled: useCan('gateways:read') }).data
  const field = (name: 'provider' | 'model', placeholder: string) => (
    <>
      <Input
        {...describedBy(`price-${name}`, problems[name])}
        disabled={isFixed}
        autoComplete="off"
        autoCapitalize="none"
        spellCheck={false}
        className="font-mono"
        placeholder={placeholder}
        list={`price-${name}s`}
        value={draft[name]}
        onChange={(event) => onChange({ [name]: event.target.value })}
      />
      <datalist id={`price-${name}s`}>
        {(name === 'provider' ? served?.providers : served?.models)?.map((known) => (
          <option key={known} value={known} />
        ))}
      </datalist>
    </>
  )
  return (
    <div className="grid gap-4 sm:grid-cols-2">
      <Field id="price-provider" label="Provider" error={problems.provider}>
        {field('provider', 'openai')}
      </Field>
      <Field
        id="price-model"
        label="Model"
        hint="As the provider knows it; a * at its end takes all that begin so."
        error={problems.model}
      >
        {field('model', 'gpt-5.4-mini')}
      </Field>
    </div>
  )
}

/** The usual three, and whatever else this model has a price for. */
function PriceFields({ draft, problems, onChange }: PartProps) {
  const shown = PRICE_UNITS.filter((unit) => USUAL.includes(unit) || draft.prices[unit] !== undefined)
  const left = PRICE_UNITS.filter((unit) => !shown.includes(unit))
  return (
    <fieldset className="flex flex-col gap-3">
      <legend className="mb-1.5 font-medium text-sm">Prices in US dollars</legend>
      <div className="grid gap-3 sm:grid-cols-3">
        {shown.map((unit) => (
          <Field
            key={unit}
            id={`price-${unit}`}
            label={UNIT_WORDS[unit].label}
            hint={`per ${UNIT_WORDS[unit].per}`}
            error={problems[`prices.${unit}`]}
          >
            <Input
              {...describedBy(`price-${unit}`, problems[`prices.${unit}`])}
              inputMode="decimal"
              autoComplete="off"
              value={draft.prices[unit] ?? ''}
              onChange={(event) => onChange({ prices: { ...draft.prices, [unit]: event.target.value } })}
            />
          </Field>
        ))}
      </div>
      <p role="alert" className="text-danger-text text-xs empty:hidden">
        {problems.prices}
      </p>
      {left.length > 0 && (
        <Select
          aria-label="Add a price for something else"
          className="max-w-60"
          value=""
          placeholder="Something else"
          onValueChange={(next) => {
            const unit = PRICE_UNITS.find((known) => known === next)
            if (unit) onChange({ prices: { ...draft.prices, [unit]: '' } })
          }}
          options={left.map((unit) => ({
            value: unit,
            label: UNIT_WORDS[unit].label,
            hint: `per ${UNIT_WORDS[unit].per}`,
          }))}
        />
      )}
    </fieldset>
  )
}

/** The draft as the API takes it. Tiers of the price that is changed stay: they are edited by import. */
function overrideOf(draft: Draft, of: ModelPrice | undefined) {
  return {
    provider: draft.provider.trim(),
    model: draft.model.trim(),
    effective_from: draft.effective_from === '' ? undefined : new Date(draft.effective_from).toISOString(),
    prices: Object.fromEntries(
      Object.entries(draft.prices)
        .map(([unit, price]) => [unit, typedMoney(price)] as const)
        .filter(([, price]) => price !== ''),
    ),
    tiers: of?.tiers ?? [],
    // Whoever sets a price here says nothing of the length of answers: what was said of it stays.
    max_output_tokens: of?.source === 'override' ? (of.max_output_tokens ?? undefined) : undefined,
  }
}

function problemsOf(draft: Draft, of: ModelPrice | undefined): Problems {
  const checked = NewOverride.safeParse(overrideOf(draft, of))
  return checked.success
    ? {}
    : Object.fromEntries(
        checked.error.issues.toReversed().map(({ path, message }) => [path.join('.'), sentence(message)]),
      )
}
