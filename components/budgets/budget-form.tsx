'use client'

import { useQuery } from '@tanstack/react-query'
import { type ReactNode, useState } from 'react'
import { type UseFormReturn, useForm } from 'react-hook-form'
import { useCan } from '@/components/shell/whoami-context'
import { teamQueries } from '@/components/teams/team-queries'
import { tokenQueries } from '@/components/tokens/token-queries'
import { Choice } from '@/components/ui/choice'
import { describedBy, Field } from '@/components/ui/field'
import { placeProblems, sentence } from '@/components/ui/form-problems'
import { Input } from '@/components/ui/input'
import { Select } from '@/components/ui/select'
import { budgets } from '@/lib/contract/budgets'
import { BUDGET_WINDOWS, ON_UNAVAILABLE, ROLLOVERS, SCOPE_PARTS } from '@/lib/contract/spend-shapes'
import { type BudgetDraft, definitionOf } from './budget-draft'
import { FIRST_DAY_WORDS, ON_UNAVAILABLE_WORDS, ROLLOVER_WORDS, SCOPE_WORDS, WINDOW_OPTIONS } from './budget-words'
import { NextResets } from './next-resets'

const FIELDS = [
  'name',
  'scope',
  'limit_usd',
  'window',
  'time_zone',
  'anchor',
  'rollover',
  'rollover_cap_usd',
  'thresholds',
  'on_unavailable',
] as const

type Definition = ReturnType<typeof definitionOf>

/** `send` rejects with what the server said; what belongs to no field of it is the `problem`. */
export function useBudgetForm(draft: BudgetDraft, send: (definition: Definition) => Promise<unknown>) {
  const form = useForm<BudgetDraft>({ defaultValues: draft })
  const [problem, setProblem] = useState<string | null>(null)
  const submit = form.handleSubmit(async (given) => {
    setProblem(null)
    const definition = definitionOf(given)
    const checked = budgets.create.input.safeParse(definition)
    if (!checked.success) {
      // The first thing that is wrong with a field is what is said of it.
      for (const { path, message } of checked.error.issues.toReversed()) {
        const field = FIELDS.find((name) => name === path[0])
        if (field) form.setError(field, { message: sentence(message) })
      }
      return
    }
    try {
      await send(definition)
    } catch (thrown) {
      setProblem(placeProblems(thrown, FIELDS, form.setError))
    }
  })
  return { form, problem, submit }
}

type BudgetFieldsProps = {
  form: UseFormReturn<BudgetDraft>
  /** Stands above the fields, such as what a change does. */
  notes?: (draft: BudgetDraft) => ReactNode
}

/** What a budget is: the same fields for a new one and for one that is changed. */
export function BudgetFields({ form, notes }: BudgetFieldsProps) {
  const { errors } = form.formState
  const value = form.watch()
  return (
    <>
      {notes?.(value)}
      <Field id="budget-name" label="Name" error={errors.name?.message}>
        <Input
          {...describedBy('budget-name', errors.name)}
          autoComplete="off"
          placeholder="Finance, monthly"
          {...form.register('name')}
        />
      </Field>
      <div className="grid gap-4 sm:grid-cols-2">
        <Field
          id="budget-limit"
          label={value.window === 'lifetime' ? 'Limit in US dollars' : 'Limit of each window, in US dollars'}
          error={errors.limit_usd?.message}
        >
          <Input
            {...describedBy('budget-limit', errors.limit_usd)}
            inputMode="decimal"
            autoComplete="off"
            placeholder="2,500.00"
            {...form.register('limit_usd')}
          />
        </Field>
        <Field id="budget-hard" label="Beyond the limit">
          <Choice
            label="Beyond the limit"
            value={value.hard ? 'hard' : 'soft'}
            onChange={(next) => form.setValue('hard', next === 'hard')}
            options={[
              { value: 'hard', label: 'Requests are refused' },
              { value: 'soft', label: 'It is watched only' },
            ]}
          />
        </Field>
      </div>
      <ScopeFields form={form} error={errors.scope?.message} />
      <WindowFields form={form} />
      <Field
        id="budget-thresholds"
        label="Tell when this much is used, in per cent"
        hint="With commas between them, rising. Each is told once a window."
        error={messageOf(errors.thresholds)}
      >
        <Input
          {...describedBy('budget-thresholds', errors.thresholds)}
          inputMode="text"
          autoComplete="off"
          className="max-w-60"
          {...form.register('thresholds')}
        />
      </Field>
      {value.hard && (
        <Field
          id="budget-unavailable"
          label="A gateway that has nothing left and cannot reach the control plane"
          hint={
            value.on_unavailable === 'deny'
              ? 'The limit holds, whatever happens. Callers are told to try again.'
              : 'Calls go on. The limit can be passed for as long as the control plane is away.'
          }
        >
          <Choice
            label="A gateway that has nothing left and cannot reach the control plane"
            value={value.on_unavailable}
            onChange={(next) =>
              form.setValue('on_unavailable', ON_UNAVAILABLE.find((known) => known === next) ?? 'deny')
            }
            options={ON_UNAVAILABLE.map((rule) => ({ value: rule, label: ON_UNAVAILABLE_WORDS[rule] }))}
          />
        </Field>
      )}
    </>
  )
}

type FormProps = { form: UseFormReturn<BudgetDraft> }

const ANY = 'any'
const SCOPE_HINTS: Partial<Record<(typeof SCOPE_PARTS)[number], string>> = {
  user_id: 'What callers say in x-user-id.',
  model: 'As callers ask for it.',
}

function ScopeFields({ form, error }: FormProps & { error: string | undefined }) {
  const teams = useQuery({ ...teamQueries.every(), enabled: useCan('members:read') }).data
  const served = useQuery({ ...tokenQueries.served(), enabled: useCan('gateways:read') }).data
  const team = form.watch('scope.team_id')
  const known = [...(teams ?? []).map(({ id, name }) => ({ value: id, label: name }))]
  // A team that is gone, or cannot be read, is still what the budget names.
  if (team !== '' && !known.some(({ value }) => value === team)) known.push({ value: team, label: team })
  return (
    <fieldset className="flex flex-col gap-3">
      <legend className="mb-1.5 font-medium text-sm">Which requests count</legend>
      <p className="text-fg-muted text-xs">
        Those of which every part that is stated holds. With none stated, all of the organization.
      </p>
      <div className="grid gap-x-4 gap-y-3 sm:grid-cols-2">
        <Field id="budget-scope-team_id" label="Team">
          <Select
            {...describedBy('budget-scope-team_id')}
            value={team === '' ? ANY : team}
            onValueChange={(next) => form.setValue('scope.team_id', next === ANY ? '' : next)}
            options={[{ value: ANY, label: 'Any' }, ...known]}
          />
        </Field>
        {SCOPE_PARTS.filter((part) => part !== 'team_id').map((part) => (
          <Field key={part} id={`budget-scope-${part}`} label={SCOPE_WORDS[part]} hint={SCOPE_HINTS[part]}>
            <Input
              {...describedBy(`budget-scope-${part}`)}
              autoComplete="off"
              autoCapitalize="none"
              spellCheck={false}
              placeholder="Any"
              list={part === 'model' || part === 'provider' ? `budget-${part}s` : undefined}
              {...form.register(`scope.${part}`)}
            />
          </Field>
        ))}
      </div>
      <Offered id="budget-models" values={served?.models} />
      <Offered id="budget-providers" values={served?.providers} />
      <p role="alert" className="text-danger-text text-xs empty:hidden">
        {error}
      </p>
    </fieldset>
  )
}

const Offered = ({ id, values = [] }: { id: string; values: readonly string[] | undefined }) => (
  <datalist id={id}>
    {values.map((value) => (
      <option key={value} value={value} />
    ))}
  </datalist>
)

function WindowFields({ form }: FormProps) {
  const { errors } = form.formState
  const window = form.watch('window')
  const rollover = form.watch('rollover')
  const isLifetime = window === 'lifetime'
  return (
    <>
      <Field id="budget-window" label="Begins anew every">
        <Choice
          label="Begins anew every"
          value={window}
          onChange={(next) => form.setValue('window', BUDGET_WINDOWS.find((known) => known === next) ?? 'month')}
          options={WINDOW_OPTIONS.map(({ value, label }) => ({
            value,
            label: value === 'lifetime' ? 'Never' : label,
          }))}
        />
      </Field>
      <div className="grid gap-4 sm:grid-cols-2">
        <Field
          id="budget-zone"
          label="Time zone"
          hint="Windows begin at its midnight."
          error={errors.time_zone?.message}
        >
          <Input
            {...describedBy('budget-zone', errors.time_zone)}
            list="budget-zones"
            autoComplete="off"
            spellCheck={false}
            {...form.register('time_zone')}
          />
          <Offered id="budget-zones" values={['UTC', ...Intl.supportedValuesOf('timeZone')]} />
        </Field>
        {window !== 'day' && (
          <Field
            id="budget-anchor"
            label={isLifetime ? 'Counts from' : 'A day on which one begins'}
            hint={
              isLifetime ? 'Empty: all that was ever recorded.' : `Empty: ${FIRST_DAY_WORDS[window].toLowerCase()}.`
            }
            error={errors.anchor?.message}
          >
            <Input {...describedBy('budget-anchor', errors.anchor)} type="date" {...form.register('anchor')} />
          </Field>
        )}
      </div>
      <NextResets window={window} timeZone={form.watch('time_zone').trim()} anchor={form.watch('anchor') || null} />
      {!isLifetime && (
        <Field id="budget-rollover" label="What is left of a window">
          <Choice
            label="What is left of a window"
            value={rollover}
            onChange={(next) => form.setValue('rollover', ROLLOVERS.find((known) => known === next) ?? 'none')}
            options={ROLLOVERS.map((value) => ({ value, label: ROLLOVER_WORDS[value] }))}
          />
        </Field>
      )}
      {!isLifetime && rollover === 'cap' && (
        <Field
          id="budget-cap"
          label="At most, in US dollars"
          error={errors.rollover_cap_usd?.message}
          className="max-w-60"
        >
          <Input
            {...describedBy('budget-cap', errors.rollover_cap_usd)}
            inputMode="decimal"
            autoComplete="off"
            {...form.register('rollover_cap_usd')}
          />
        </Field>
      )}
    </>
  )
}

const messageOf = (error: { message?: string } | undefined) => error?.message
