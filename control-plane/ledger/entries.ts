import type { TransactionKind } from '@/lib/contract/wallets'
import { AppError } from '@/lib/errors'
import { type NanoUsd, NO_MONEY, nanoUsd, usdOfNano } from '@/lib/money'
import { isWallet, walletBehind, walletId } from './accounts'
import type { Posting, WalletState } from './commands'

type Entry = {
  transactionId: string
  account: string
  amount: NanoUsd
  position: number | null
  balanceAfter: NanoUsd | null
}
type Change = { amount: bigint; received: bigint; position: number }

/** What the wallet was given, rather than what it paid or what gateways hold of it. */
const GIVING: ReadonlySet<TransactionKind> = new Set(['credit', 'debit', 'allocate', 'reclaim'])

/** The entries of postings, one after another, on wallets that stand as given; and what becomes of each account. */
export class Entries {
  readonly entries: Entry[] = []
  readonly changes = new Map<string, Change>()
  readonly #wallets: Map<string, WalletState>

  constructor(wallets: ReadonlyMap<string, WalletState>) {
    this.#wallets = new Map([...wallets].map(([account, state]) => [account, { ...state }]))
  }

  /** @throws AppError `conflict` when there is not as much as is taken */
  add({ id, kind, legs }: Posting): void {
    if (legs.every(({ amount }) => amount === 0n)) throw new Error(`Transaction ${id} moves nothing.`)
    const moved: { entry: Entry; state: WalletState }[] = []
    for (const { account, amount } of legs) {
      if (amount === 0n) continue
      const entry: Entry = { transactionId: id, account, amount, position: null, balanceAfter: null }
      this.entries.push(entry)
      const received = isWallet(account) && GIVING.has(kind) ? amount : NO_MONEY
      this.#change(account, { amount, received, position: 0 })
      const wallet = walletBehind(account)
      const state = wallet === null ? undefined : this.#wallets.get(wallet)
      if (wallet === null || state === undefined) continue
      if (!moved.some((other) => other.state === state)) {
        state.position += 1
        // The wallet counts for both, also when only what is held of it has moved.
        this.#change(wallet, { amount: 0n, received: 0n, position: state.position })
      }
      moveOn(state, account, amount)
      moved.push({ entry, state })
    }
    for (const { entry, state } of moved) {
      entry.position = state.position
      entry.balanceAfter = state.balance
    }
  }

  #change(account: string, { amount, received, position }: Change): void {
    const known = this.changes.get(account) ?? { amount: 0n, received: 0n, position: 0 }
    this.changes.set(account, {
      amount: known.amount + amount,
      received: known.received + received,
      position: Math.max(known.position, position),
    })
  }
}

function moveOn(state: WalletState, account: string, amount: NanoUsd): void {
  const side = isWallet(account) ? 'balance' : 'held'
  const after = nanoUsd(state[side] + amount)
  if (after < 0n) {
    const what = side === 'balance' ? `Wallet ${walletId(account)} has` : 'Gateways hold'
    throw new AppError('conflict', `${what} ${usdOfNano(state[side])} US dollars, less than is to be taken.`)
  }
  state[side] = after
}
