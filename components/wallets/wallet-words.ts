import type { StatusTone } from '@/components/ui/status-badge'
import type { UNKNOWN_PRICE_RULES, WalletScope } from '@/lib/contract/spend-shapes'
import type { TransactionKind, Wallet } from '@/lib/contract/wallets'

const STATUS_LOOK: Record<Wallet['status'], { label: string; tone: StatusTone }> = {
  healthy: { label: 'Healthy', tone: 'ok' },
  low: { label: 'Low', tone: 'attention' },
  depleted: { label: 'Depleted', tone: 'bad' },
}

/** A team that is deleted leaves its wallet: nobody knows its name any more. */
export const isOfDeletedTeam = ({ scope, scope_id, name }: Pick<Wallet, 'scope' | 'scope_id' | 'name'>): boolean =>
  scope === 'team' && name === scope_id

/** What a wallet is called. */
export const walletText = (wallet: Pick<Wallet, 'scope' | 'scope_id' | 'name'>): string =>
  isOfDeletedTeam(wallet) ? 'Deleted team' : wallet.name

/**
 * That nothing is in a wallet needs a person only where requests have to be paid from it: not in that of nobody, and not while
 * nobody has to pay.
 */
export function walletStanding(
  wallet: Pick<Wallet, 'scope' | 'scope_id' | 'name' | 'status'>,
  areRequired: boolean,
): { label: string; tone: StatusTone } {
  if (wallet.status === 'depleted' && (!areRequired || isOfDeletedTeam(wallet))) {
    return { label: 'Empty', tone: 'neutral' }
  }
  return STATUS_LOOK[wallet.status]
}

export const WALLET_SCOPE_WORDS: Record<WalletScope, string> = {
  organization: 'Organization',
  team: 'Team',
  user: 'User',
}

export const KIND_WORDS: Record<TransactionKind, string> = {
  credit: 'Credited',
  debit: 'Debited',
  allocate: 'Allocated',
  reclaim: 'Reclaimed',
  reserve: 'Held by a gateway',
  release: 'Given back by a gateway',
  expire: 'Came back by itself',
  spend: 'Spent',
  adjust: 'Adjusted',
}

const ACCOUNT_WORDS: Record<string, string> = {
  funding: 'outside',
  spend: 'requests',
  held: 'held by gateways',
  organization: 'Organization',
}

/** The other side of a movement. */
export function counterpartText(counterpart: string, nameOf: (walletId: string) => string | undefined): string {
  return ACCOUNT_WORDS[counterpart] ?? nameOf(counterpart) ?? counterpart
}

export const UNKNOWN_PRICE_WORDS: Record<(typeof UNKNOWN_PRICE_RULES)[number], { label: string; means: string }> = {
  flag: {
    label: 'Let through, flagged',
    means: 'It charges nothing, and is told apart everywhere until somebody sets a price.',
  },
  hold_default: {
    label: 'Charged an assumed amount',
    means: 'It is reserved from budgets and wallets and charged, and its cost is marked as estimated.',
  },
  deny: { label: 'Refused', means: 'Callers get 402 with the code price_unknown before anybody is asked.' },
}
