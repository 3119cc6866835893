'use client'

import { useInfiniteQuery } from '@tanstack/react-query'
import { Building2, type LucideIcon, User, Users } from 'lucide-react'
import dynamic from 'next/dynamic'
import { useMemo } from 'react'
import { BriefMoney } from '@/components/ui/brief-money'
import { cn } from '@/components/ui/cn'
import { type Column, DataTable } from '@/components/ui/data-table'
import { EmptyState } from '@/components/ui/empty-state'
import { aboutText, widthOfAmounts } from '@/components/ui/money'
import { NameText } from '@/components/ui/name-text'
import { useEver } from '@/components/ui/use-ever'
import { useOpenRow } from '@/components/ui/use-open-row'
import type { WalletScope } from '@/lib/contract/spend-shapes'
import type { Wallet } from '@/lib/contract/wallets'
import { walletQueries } from './wallet-queries'
import { WalletStanding } from './wallet-standing'
import { isOfDeletedTeam, WALLET_SCOPE_WORDS, walletText } from './wallet-words'

const WalletSheet = dynamic(() => import('./wallet-sheet').then((it) => it.WalletSheet), { ssr: false })

/** The cascade: the organisation, and below it teams and users, each of whom any wallet above may give to. */
export function WalletsTable() {
  const query = useInfiniteQuery(walletQueries.list())
  const [openId, setOpenId] = useOpenRow()
  const hasOpened = useEver(openId !== null)
  const rows = useMemo(() => query.data?.pages.flatMap((page) => page.items), [query.data])
  const columns = useMemo(() => columnsOf(rows ?? []), [rows])
  return (
    <>
      <DataTable
        label="Wallets"
        columns={columns}
        rows={rows}
        rowId={({ id }) => id}
        error={query.error}
        onRetry={() => void query.refetch()}
        more={{
          hasMore: query.hasNextPage,
          isLoading: query.isFetchingNextPage,
          load: () => void query.fetchNextPage(),
        }}
        selectedId={openId}
        onSelect={(id) => void setOpenId(id)}
        minWidth="min-w-5xl"
        empty={
          // The organisation's is always there.
          <EmptyState title="No wallets" />
        }
      />
      {hasOpened && <WalletSheet id={openId} onClose={() => void setOpenId(null)} />}
    </>
  )
}

const SCOPE_LOOK: Record<WalletScope, { icon: LucideIcon; indent: string }> = {
  organization: { icon: Building2, indent: '' },
  team: { icon: Users, indent: 'pl-5' },
  user: { icon: User, indent: 'pl-5' },
}

const columnsOf = (rows: readonly Wallet[]): Column<Wallet>[] => [
  ...COLUMNS,
  money(rows, 'balance', 'Balance', ({ balance_usd }) => balance_usd),
  money(rows, 'held', 'Held', ({ held_usd }) => held_usd),
  money(rows, 'received', 'Received', ({ received_usd }) => received_usd),
  money(rows, 'spent', 'Spent', ({ spent_usd }) => spent_usd),
]

const money = (
  rows: readonly Wallet[],
  id: string,
  header: string,
  amountOf: (wallet: Wallet) => string,
): Column<Wallet> => ({
  id,
  header,
  width: widthOfAmounts(rows.map((wallet) => aboutText(amountOf(wallet)))),
  align: 'right',
  cell: (wallet) => <BriefMoney usd={amountOf(wallet)} />,
})

const COLUMNS: Column<Wallet>[] = [
  {
    id: 'wallet',
    header: 'Wallet',
    cell: (wallet) => {
      const { scope } = wallet
      const { icon: Icon, indent } = SCOPE_LOOK[scope]
      return (
        <span className={cn('flex min-w-0 items-center gap-2', indent)}>
          <Icon aria-hidden className="size-4 shrink-0 text-fg-muted" />
          <span title={isOfDeletedTeam(wallet) ? wallet.name : undefined} className="min-w-0">
            <NameText name={walletText(wallet)} className="font-medium" />
          </span>
          <span className="shrink-0 text-fg-muted text-xs">{WALLET_SCOPE_WORDS[scope]}</span>
        </span>
      )
    },
  },
  {
    id: 'status',
    header: 'Status',
    width: 'w-32',
    cell: (wallet) => <WalletStanding wallet={wallet} />,
  },
]
