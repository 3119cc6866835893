import { useQuery } from '@tanstack/react-query'
import { StatusBadge } from '@/components/ui/status-badge'
import type { Wallet } from '@/lib/contract/wallets'
import { walletQueries } from './wallet-queries'
import { walletStanding } from './wallet-words'

export function useWalletStanding(wallet: Wallet) {
  const { data: settings } = useQuery(walletQueries.settings())
  return walletStanding(wallet, settings?.wallets_required ?? false)
}

export function WalletStanding({ wallet }: { wallet: Wallet }) {
  const { tone, label } = useWalletStanding(wallet)
  return <StatusBadge tone={tone}>{label}</StatusBadge>
}
