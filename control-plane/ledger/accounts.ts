/** What a request pays from, and where credits go to and come from. */
export type Holder = { team_id?: string | undefined; user_id?: string | undefined }

/** Where credits come from, so that its balance is less than nothing. */
export const FUNDING = 'funding'
/** Where costs go. */
export const SPEND = 'spend'
/** Costs that no wallet paid come from it. */
export const UNFUNDED = 'unfunded'

export const ORGANIZATION_WALLET = 'wallet:organization'

const WALLET = 'wallet:'
const HELD = 'held:'

/** The id on the wire of a wallet's account: `team:<id>`. */
export const walletId = (account: string): string => account.slice(WALLET.length)

/** The account of a wallet by its id on the wire. */
export const accountOfWallet = (id: string): string => `${WALLET}${id}`

/** The account of what gateways hold of a wallet. */
export const heldOf = (walletAccount: string): string => `${HELD}${walletId(walletAccount)}`

export const isWallet = (account: string): boolean => account.startsWith(WALLET)
export const isHeld = (account: string): boolean => account.startsWith(HELD)

/** The wallet that an account is, or holds money of; null for all others. */
export function walletBehind(account: string): string | null {
  if (isWallet(account)) return account
  return isHeld(account) ? `${WALLET}${account.slice(HELD.length)}` : null
}

/** As the columns of an account say it. */
export function describeAccount(account: string) {
  const wallet = walletBehind(account)
  if (wallet === null) return { kind: account, scope: null, scopeId: null }
  const [scope = '', ...rest] = walletId(wallet).split(':')
  const scopeId = rest.join(':')
  return { kind: isHeld(account) ? 'held' : 'wallet', scope, scopeId: scopeId === '' ? null : scopeId }
}
