'use client'

import { useInfiniteQuery, useQuery } from '@tanstack/react-query'
import { useCan } from '@/components/shell/whoami-context'
import { teamQueries } from '@/components/teams/team-queries'
import { Choice } from '@/components/ui/choice'
import { describedBy, Field } from '@/components/ui/field'
import { Input } from '@/components/ui/input'
import { moneyText } from '@/components/ui/money'
import { Select } from '@/components/ui/select'
import { hasHolder, type MoveDraft, type MoveKind, type MoveProblems } from './move-draft'
import { walletQueries } from './wallet-queries'

type MoveFieldsProps = {
  kind: MoveKind
  isFixed: boolean
  draft: MoveDraft
  problems: MoveProblems
  onChange: (part: Partial<MoveDraft>) => void
}

/** Whose, how much, from where and why. */
export function MoveFields({ kind, isFixed, draft, problems, onChange }: MoveFieldsProps) {
  const teams = useQuery({ ...teamQueries.every(), enabled: useCan('members:read') && hasHolder(kind) }).data
  const known = useInfiniteQuery(walletQueries.list()).data?.pages.flatMap((page) => page.items) ?? []
  const holding = known.filter(({ scope }) => scope === 'team')
  const names = new Map([
    ...holding.map(({ scope_id, name }) => [scope_id ?? '', name] as const),
    ...(teams ?? []).map(({ id, name }) => [id, name] as const),
  ])
  const uppers = [...known.filter(({ scope }) => scope === 'organization'), ...(draft.scope === 'user' ? holding : [])]
  return (
    <>
      {hasHolder(kind) && !isFixed && (
        <Field id="move-scope" label={kind === 'allocate' ? 'To' : 'From'}>
          <Choice
            label={kind === 'allocate' ? 'To' : 'From'}
            value={draft.scope}
            onChange={(next) => onChange({ scope: next === 'user' ? 'user' : 'team', other: 'organization' })}
            options={[
              { value: 'team', label: 'A team' },
              { value: 'user', label: 'A user' },
            ]}
          />
        </Field>
      )}
      {hasHolder(kind) && draft.scope === 'team' && (
        <Field
          id="move-team"
          label="Team"
          hint={names.size === 0 ? 'There is no team yet: make one under Settings, Teams.' : undefined}
          error={problems.team_id}
        >
          <Select
            {...describedBy('move-team', problems.team_id)}
            disabled={isFixed}
            value={draft.team_id || undefined}
            placeholder="Choose a team"
            onValueChange={(team_id) => onChange({ team_id })}
            options={[...names].map(([value, label]) => ({ value, label }))}
          />
        </Field>
      )}
      {hasHolder(kind) && draft.scope === 'user' && (
        <Field id="move-user" label="User" hint="As callers say it in x-user-id." error={problems.user_id}>
          <Input
            {...describedBy('move-user', problems.user_id)}
            disabled={isFixed}
            autoComplete="off"
            autoCapitalize="none"
            spellCheck={false}
            list="move-users"
            value={draft.user_id}
            onChange={(event) => onChange({ user_id: event.target.value })}
          />
          <datalist id="move-users">
            {known
              .filter(({ scope }) => scope === 'user')
              .map(({ scope_id }) => (
                <option key={scope_id} value={scope_id ?? ''} />
              ))}
          </datalist>
        </Field>
      )}
      {hasHolder(kind) && uppers.length > 1 && (
        <Field
          id="move-other"
          label={kind === 'allocate' ? 'From the wallet of' : 'Back to the wallet of'}
          error={problems.other}
        >
          <Select
            {...describedBy('move-other', problems.other)}
            value={draft.other}
            onValueChange={(other) => onChange({ other })}
            options={uppers.map(({ id, name, balance_usd }) => ({
              value: id,
              label: name,
              hint: `${moneyText(balance_usd)} left`,
            }))}
          />
        </Field>
      )}
      <Field id="move-amount" label="Amount in US dollars" error={problems.amount_usd}>
        <Input
          {...describedBy('move-amount', problems.amount_usd)}
          inputMode="decimal"
          autoComplete="off"
          placeholder="500.00"
          value={draft.amount_usd}
          onChange={(event) => onChange({ amount_usd: event.target.value })}
        />
      </Field>
      <Field id="move-note" label="Note" hint="Stands in the ledger. Can be left out." error={problems.note}>
        <Input
          {...describedBy('move-note', problems.note)}
          autoComplete="off"
          maxLength={80}
          placeholder={hasHolder(kind) ? 'First quarter' : 'Invoice 2026-031'}
          value={draft.note}
          onChange={(event) => onChange({ note: event.target.value })}
        />
      </Field>
    </>
  )
}
