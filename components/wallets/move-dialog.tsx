'use client'

import { useInfiniteQuery, useMutation, useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { useCan } from '@/components/shell/whoami-context'
import { teamQueries } from '@/components/teams/team-queries'
import { Button } from '@/components/ui/button'
import { Callout } from '@/components/ui/callout'
import { Choice } from '@/components/ui/choice'
import { Dialog, DialogContent } from '@/components/ui/dialog'
import { describedBy, Field } from '@/components/ui/field'
import { sentence } from '@/components/ui/form-problems'
import { Input } from '@/components/ui/input'
import { moneyText, sumOfMoney, typedMoney } from '@/components/ui/money'
import { notice } from '@/components/ui/notice'
import { Select } from '@/components/ui/select'
import { displayName } from '@/lib/contract/fields'
import { someDollars } from '@/lib/contract/spend-shapes'
import { type Movement, type Wallet, wallets } from '@/lib/contract/wallets'
import { AppError } from '@/lib/errors'
import { newId } from '@/lib/ids'
import { api } from '../api'
import { BothSides } from './both-sides'
import { useWalletsChanged } from './use-wallets-changed'
import { walletQueries } from './wallet-queries'

export type MoveKind = 'credit' | 'allocate' | 'reclaim'

const WORDS: Record<MoveKind, { title: string; about: string; verb: string; doing: string; done: string }> = {
  credit: {
    title: 'Credit the organization',
    about: 'Money that was paid in. It can be allocated from there.',
    verb: 'Credit',
    doing: 'Crediting…',
    done: 'was credited',
  },
  allocate: {
    title: 'Allocate',
    about: 'Moves money down to a team or a user, whose wallet is made with its first.',
    verb: 'Allocate',
    doing: 'Allocating…',
    done: 'was allocated',
  },
  reclaim: {
    title: 'Reclaim',
    about: 'Moves money back up, as far as it is neither spent nor held.',
    verb: 'Reclaim',
    doing: 'Reclaiming…',
    done: 'was reclaimed',
  },
}
const FORM_ID = 'move-money'

/** `other` is the wallet at the upper side: it gives, or gets back. */
type Draft = {
  scope: 'team' | 'user'
  team_id: string
  user_id: string
  other: string
  amount_usd: string
  note: string
}
type Problems = Partial<Record<keyof Draft, string>>

type MoveDialogProps = {
  kind: MoveKind
  /** Whose; chosen in the form where it is not given. */
  wallet?: Wallet
  onClose: () => void
}

/** Said first, done afterwards: both balances are shown as they are and as they will be before anything moves. */
export function MoveDialog({ kind, wallet, onClose }: MoveDialogProps) {
  const words = WORDS[kind]
  const changed = useWalletsChanged()
  const [draft, setDraft] = useState<Draft>({
    scope: wallet?.scope === 'user' ? 'user' : 'team',
    team_id: wallet?.scope === 'team' ? (wallet.scope_id ?? '') : '',
    user_id: wallet?.scope === 'user' ? (wallet.scope_id ?? '') : '',
    other: 'organization',
    amount_usd: '',
    note: '',
  })
  const [problems, setProblems] = useState<Problems>({})
  const [preview, setPreview] = useState<Movement | null>(null)
  // One attempt keeps its key: pressed twice, or after an answer that was lost, it moves the money once.
  const [idempotencyKey, setIdempotencyKey] = useState(() => newId('req'))
  const say = useMutation({
    mutationFn: () => (kind === 'credit' ? creditPreview(inputOf(draft)) : send(kind, draft, true, newId('req'))),
    onSuccess: (movement) => {
      setIdempotencyKey(newId('req'))
      setPreview(movement)
    },
    onError: (error) => setProblems(problemsOfAnswer(error, draft)),
  })
  const move = useMutation({
    mutationFn: () => send(kind, draft, false, idempotencyKey),
    onSuccess: ({ amount_usd }) => {
      notice.success(`${moneyText(amount_usd)} ${words.done}.`)
      onClose()
    },
    onSettled: changed,
  })
  const show = () => {
    const found = problemsOf(kind, draft)
    setProblems(found)
    if (Object.keys(found).length === 0 && !say.isPending) say.mutate()
  }
  const error = preview ? move.error : say.error && Object.keys(problems).length === 0 ? say.error : null
  return (
    <Dialog open onOpenChange={(next) => !next && onClose()}>
      <DialogContent
        title={preview ? `${words.verb} ${moneyText(preview.amount_usd)}?` : words.title}
        description={preview ? 'Nothing has moved yet.' : words.about}
        footer={
          preview ? (
            <>
              <Button
                onClick={() => {
                  move.reset()
                  setPreview(null)
                }}
              >
                Back
              </Button>
              <Button variant="primary" disabled={move.isPending} onClick={() => move.mutate()}>
                {move.isPending ? words.doing : `${words.verb} ${moneyText(preview.amount_usd)}`}
              </Button>
            </>
          ) : (
            <>
              <Button onClick={onClose}>Cancel</Button>
              <Button type="submit" form={FORM_ID} variant="primary" disabled={say.isPending}>
                {say.isPending ? 'Looking…' : 'Preview'}
              </Button>
            </>
          )
        }
      >
        {error && (
          <Callout tone="danger" role="alert" className="mb-4">
            {error.message}
          </Callout>
        )}
        {preview ? (
          <BothSides movement={preview} />
        ) : (
          <form
            id={FORM_ID}
            noValidate
            className="flex flex-col gap-4"
            onSubmit={(event) => {
              event.preventDefault()
              show()
            }}
          >
            <Fields
              kind={kind}
              isFixed={wallet !== undefined}
              draft={draft}
              problems={problems}
              onChange={(part) => setDraft({ ...draft, ...part })}
            />
          </form>
        )}
      </DialogContent>
    </Dialog>
  )
}

const inputOf = ({ amount_usd, note }: Draft) => ({
  amount_usd: typedMoney(amount_usd),
  note: note.trim() || undefined,
})

function send(kind: MoveKind, draft: Draft, dry_run: boolean, idempotencyKey: string): Promise<Movement> {
  const input = inputOf(draft)
  const holder = draft.scope === 'team' ? { team_id: draft.team_id } : { user_id: draft.user_id.trim() }
  if (kind === 'credit') return api(wallets.credit, input, { idempotencyKey })
  if (kind === 'allocate') {
    return api(wallets.allocate, { ...input, ...holder, from: draft.other, dry_run }, { idempotencyKey })
  }
  return api(wallets.reclaim, { ...input, ...holder, to: draft.other, dry_run }, { idempotencyKey })
}

/** A credit has no other side and needs no rehearsal: what it makes of the balance is a sum. */
async function creditPreview({ amount_usd }: { amount_usd: string }): Promise<Movement> {
  const before = await api(wallets.list, { scope: 'organization', limit: 1 })
  return creditOf(before.items[0], amount_usd)
}

function creditOf(organization: Wallet | undefined, amount_usd: string): Movement {
  const balance_before_usd = organization?.balance_usd ?? '0.000000000'
  return {
    transaction_id: null,
    kind: 'credit',
    amount_usd: sumOfMoney([amount_usd]),
    from: null,
    to: {
      wallet_id: 'organization',
      balance_before_usd,
      balance_after_usd: sumOfMoney([balance_before_usd, amount_usd]),
    },
    posted_at: new Date().toISOString(),
  }
}

function problemsOf(kind: MoveKind, { scope, team_id, user_id, amount_usd, note }: Draft): Problems {
  const amount = someDollars.safeParse(typedMoney(amount_usd))
  return {
    ...(kind !== 'credit' && scope === 'team' && team_id === '' ? { team_id: 'Choose a team.' } : {}),
    ...(kind !== 'credit' && scope === 'user' && user_id.trim() === '' ? { user_id: 'Name the user.' } : {}),
    ...(amount.success ? {} : { amount_usd: sentence(amount.error.issues[0]?.message ?? 'is no amount') }),
    ...(note.trim() === '' || displayName.safeParse(note).success ? {} : { note: 'One line of up to 80 characters.' }),
  }
}

/** What the ledger refuses, such as more than there is, belongs to the amount. */
function problemsOfAnswer(error: unknown, draft: Draft): Problems {
  if (!(error instanceof AppError)) return {}
  const placed = (error.errors ?? []).flatMap(({ path, message }) => {
    const field = path === 'from' || path === 'to' ? 'other' : path
    return field in draft ? [[field, sentence(message)] as const] : []
  })
  if (placed.length > 0) return Object.fromEntries(placed)
  return error.code === 'conflict' || error.code === 'unprocessable' ? { amount_usd: error.message } : {}
}

type FieldsProps = {
  kind: MoveKind
  isFixed: boolean
  draft: Draft
  problems: Problems
  onChange: (part: Partial<Draft>) => void
}

function Fields({ kind, isFixed, draft, problems, onChange }: FieldsProps) {
  const teams = useQuery({ ...teamQueries.every(), enabled: useCan('members:read') && kind !== 'credit' }).data
  const known = useInfiniteQuery(walletQueries.list()).data?.pages.flatMap((page) => page.items) ?? []
  const holding = known.filter(({ scope }) => scope === 'team')
  const names = new Map([
    ...holding.map(({ scope_id, name }) => [scope_id ?? '', name] as const),
    ...(teams ?? []).map(({ id, name }) => [id, name] as const),
  ])
  const uppers = [...known.filter(({ scope }) => scope === 'organization'), ...(draft.scope === 'user' ? holding : [])]
  return (
    <>
      {kind !== 'credit' && !isFixed && (
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
      {kind !== 'credit' && draft.scope === 'team' && (
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
      {kind !== 'credit' && draft.scope === 'user' && (
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
      {kind !== 'credit' && uppers.length > 1 && (
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
          placeholder={kind === 'credit' ? 'Invoice 2026-031' : 'First quarter'}
          value={draft.note}
          onChange={(event) => onChange({ note: event.target.value })}
        />
      </Field>
    </>
  )
}
