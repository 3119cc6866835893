'use client'

import { useMutation } from '@tanstack/react-query'
import { useState } from 'react'
import { Button } from '@/components/ui/button'
import { Callout } from '@/components/ui/callout'
import { CheckedForm } from '@/components/ui/checked-form'
import { Dialog, DialogContent } from '@/components/ui/dialog'
import { moneyText, sumOfMoney, typedMoney } from '@/components/ui/money'
import { notice } from '@/components/ui/notice'
import { type Movement, type Wallet, wallets } from '@/lib/contract/wallets'
import { newId } from '@/lib/ids'
import { api } from '../api'
import { BothSides } from './both-sides'
import { type MoveDraft, type MoveKind, type MoveProblems, problemsOf, problemsOfAnswer } from './move-draft'
import { MoveFields } from './move-fields'
import { useWalletsChanged } from './use-wallets-changed'

const WORDS: Record<MoveKind, { title: string; about: string; verb: string; doing: string; done: string }> = {
  credit: {
    title: 'Credit the organization',
    about: 'Money that was paid in. It can be allocated from there.',
    verb: 'Credit',
    doing: 'Crediting…',
    done: 'was credited',
  },
  debit: {
    title: 'Debit the organization',
    about:
      'Takes money out again, such as what was credited by mistake, as far as it is neither allocated, spent nor held.',
    verb: 'Debit',
    doing: 'Debiting…',
    done: 'was debited',
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
  const [draft, setDraft] = useState<MoveDraft>({
    scope: wallet?.scope === 'user' ? 'user' : 'team',
    team_id: wallet?.scope === 'team' ? (wallet.scope_id ?? '') : '',
    user_id: wallet?.scope === 'user' ? (wallet.scope_id ?? '') : '',
    other: 'organization',
    amount_usd: '',
    note: '',
  })
  const [problems, setProblems] = useState<MoveProblems>({})
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
    if (Object.keys(found).length === 0) say.mutate()
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
        {preview && error && (
          <Callout tone="danger" role="alert" className="mb-4">
            {error.message}
          </Callout>
        )}
        {preview ? (
          <BothSides movement={preview} />
        ) : (
          <CheckedForm id={FORM_ID} problem={error?.message} isPending={say.isPending} onSubmit={show}>
            <MoveFields
              kind={kind}
              isFixed={wallet !== undefined}
              draft={draft}
              problems={problems}
              onChange={(part) => setDraft({ ...draft, ...part })}
            />
          </CheckedForm>
        )}
      </DialogContent>
    </Dialog>
  )
}

const inputOf = ({ amount_usd, note }: MoveDraft) => ({
  amount_usd: typedMoney(amount_usd),
  note: note.trim() || undefined,
})

function send(kind: MoveKind, draft: MoveDraft, dry_run: boolean, idempotencyKey: string): Promise<Movement> {
  const input = inputOf(draft)
  const holder = draft.scope === 'team' ? { team_id: draft.team_id } : { user_id: draft.user_id.trim() }
  if (kind === 'credit') return api(wallets.credit, input, { idempotencyKey })
  if (kind === 'debit') return api(wallets.debit, { ...input, dry_run }, { idempotencyKey })
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
