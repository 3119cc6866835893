import { sentence } from '@/components/ui/form-problems'
import { moneyText, typedMoney } from '@/components/ui/money'
import { displayName } from '@/lib/contract/fields'
import { someDollars } from '@/lib/contract/spend-shapes'
import { AppError } from '@/lib/errors'

export type MoveKind = 'credit' | 'debit' | 'allocate' | 'reclaim'

/** Whether it is between the organisation and somebody below it, rather than in or out of the organisation. */
export const hasHolder = (kind: MoveKind): boolean => kind === 'allocate' || kind === 'reclaim'

/** `other` is the wallet at the upper side: it gives, or gets back. */
export type MoveDraft = {
  scope: 'team' | 'user'
  team_id: string
  user_id: string
  other: string
  amount_usd: string
  note: string
}
export type MoveProblems = Partial<Record<keyof MoveDraft, string>>

/** What can be said without asking. */
export function problemsOf(kind: MoveKind, { scope, team_id, user_id, amount_usd, note }: MoveDraft): MoveProblems {
  const amount = someDollars.safeParse(typedMoney(amount_usd))
  return {
    ...(hasHolder(kind) && scope === 'team' && team_id === '' ? { team_id: 'Choose a team.' } : {}),
    ...(hasHolder(kind) && scope === 'user' && user_id.trim() === '' ? { user_id: 'Name the user.' } : {}),
    ...(amount.success ? {} : { amount_usd: sentence(amount.error.issues[0]?.message ?? 'is no amount') }),
    ...(note.trim() === '' || displayName.safeParse(note).success ? {} : { note: 'One line of up to 80 characters.' }),
  }
}

/** What the ledger refuses, such as more than there is, belongs to the amount. */
export function problemsOfAnswer(error: unknown, draft: MoveDraft): MoveProblems {
  if (!(error instanceof AppError)) return {}
  const placed = (error.errors ?? []).flatMap(({ path, message }) => {
    const field = path === 'from' || path === 'to' ? 'other' : path
    return field in draft ? [[field, sentence(inDollars(message))] as const] : []
  })
  if (placed.length > 0) return Object.fromEntries(placed)
  return error.code === 'conflict' || error.code === 'unprocessable' ? { amount_usd: error.message } : {}
}

/** Amounts in the words of the API as they are written everywhere else on the page. */
const inDollars = (message: string): string =>
  message.replace(/\b(\d+(?:\.\d+)?) US dollars/g, (_, usd: string) => moneyText(usd))
