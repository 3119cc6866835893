'use client'

import { useQuery } from '@tanstack/react-query'
import { ArrowDownToLine, ArrowUpFromLine, HandCoins, ListTree, Undo2 } from 'lucide-react'
import Link from 'next/link'
import { useState } from 'react'
import { HeldList } from '@/components/budgets/held-list'
import { useCan } from '@/components/shell/whoami-context'
import { Button } from '@/components/ui/button'
import { Callout } from '@/components/ui/callout'
import { CopyAsMenu } from '@/components/ui/copy-as-menu'
import { Details } from '@/components/ui/details'
import { EmptyState } from '@/components/ui/empty-state'
import { ErrorState } from '@/components/ui/error-state'
import { IdText } from '@/components/ui/id-text'
import { decimalsOf, moneyText } from '@/components/ui/money'
import { RelativeTime } from '@/components/ui/relative-time'
import { Sheet } from '@/components/ui/sheet'
import { Skeleton } from '@/components/ui/skeleton'
import type { Held } from '@/lib/contract/budgets'
import type { Wallet } from '@/lib/contract/wallets'
import { AppError } from '@/lib/errors'
import { printValue } from '@/lib/filter'
import { MoveDialog } from './move-dialog'
import type { MoveKind } from './move-draft'
import { TransactionsTable } from './transactions-table'
import { useWalletsChanged } from './use-wallets-changed'
import { walletQueries } from './wallet-queries'
import { useWalletStanding, WalletStanding } from './wallet-standing'
import { WALLET_SCOPE_WORDS, walletText } from './wallet-words'

type Detail = Wallet & { held: Held[] }

export function WalletSheet({ id, onClose }: { id: string | null; onClose: () => void }) {
  const { data, error, refetch } = useQuery({ ...walletQueries.get(id ?? ''), enabled: id !== null })
  return (
    <Sheet
      open={id !== null}
      onClose={onClose}
      className="max-w-3xl"
      title={data ? walletText(data) : 'Wallet'}
      subtitle={
        data && (
          <>
            <WalletStanding wallet={data} />
            {WALLET_SCOPE_WORDS[data.scope]} <IdText id={data.id} what="wallet id" />
          </>
        )
      }
    >
      {data ? (
        <WalletDetail key={data.id} wallet={data} />
      ) : error instanceof AppError && error.code === 'not_found' ? (
        <EmptyState title="There is no such wallet yet">
          It is made with the first money that is allocated to it.
        </EmptyState>
      ) : error ? (
        <ErrorState error={error} onRetry={() => void refetch()} />
      ) : (
        <Skeleton className="h-64" />
      )}
    </Sheet>
  )
}

function WalletDetail({ wallet }: { wallet: Detail }) {
  const mayWrite = useCan('org:billing')
  const changed = useWalletsChanged()
  const { tone } = useWalletStanding(wallet)
  const amounts = [wallet.balance_usd, wallet.held_usd, wallet.spent_usd, wallet.received_usd]
  const decimals = decimalsOf(amounts)
  const money = (usd: string) => <span className="tabular-nums">{moneyText(usd, decimals)}</span>
  return (
    <div className="flex flex-col gap-6">
      <Actions wallet={wallet} mayWrite={mayWrite} />
      {tone === 'bad' && (
        <Callout tone="danger">
          There is nothing left to hand out: its requests are paid by the next one of the cascade that can, or refused.
        </Callout>
      )}
      <Details
        items={[
          ['Balance', money(wallet.balance_usd)],
          ['Held by gateways', money(wallet.held_usd)],
          ['Spent', money(wallet.spent_usd)],
          ['Received', money(wallet.received_usd)],
          ['Made', <RelativeTime key="made" at={wallet.created_at} />],
        ]}
      />
      <section className="flex flex-col gap-2">
        <h3 className="font-medium text-sm">Held by gateways</h3>
        <HeldList held={wallet.held} mayRelease={mayWrite} onReleased={changed} />
      </section>
      <section className="flex flex-col gap-2">
        <h3 className="font-medium text-sm">Ledger</h3>
        <TransactionsTable id={wallet.id} />
      </section>
    </div>
  )
}

function Actions({ wallet, mayWrite }: { wallet: Detail; mayWrite: boolean }) {
  const [move, setMove] = useState<MoveKind | null>(null)
  const canEvents = useCan('events:read')
  const { scope, scope_id } = wallet
  const isOrganization = scope === 'organization'
  // Of an empty one nothing can be handed out: what it needs comes first.
  const needsCredit = isOrganization && wallet.status === 'depleted'
  const filter = scope_id === null ? '' : `${scope}_id=${printValue(scope_id)}`
  return (
    <div className="flex flex-wrap gap-2">
      {mayWrite && isOrganization && (
        <Button size="sm" variant={needsCredit ? 'primary' : 'outline'} onClick={() => setMove('credit')}>
          <ArrowDownToLine /> Credit
        </Button>
      )}
      {mayWrite && isOrganization && !needsCredit && (
        <Button size="sm" onClick={() => setMove('debit')}>
          <ArrowUpFromLine /> Debit
        </Button>
      )}
      {mayWrite && (
        <Button size="sm" variant={needsCredit ? 'outline' : 'primary'} onClick={() => setMove('allocate')}>
          <HandCoins /> {isOrganization ? 'Allocate' : 'Allocate to it'}
        </Button>
      )}
      {mayWrite && !isOrganization && (
        <Button size="sm" onClick={() => setMove('reclaim')}>
          <Undo2 /> Reclaim
        </Button>
      )}
      {canEvents && (
        <Button asChild size="sm">
          <Link href={`/history?${new URLSearchParams({ since: '30d', ...(filter ? { filter } : {}) })}`}>
            <ListTree /> {isOrganization ? 'All requests' : 'Its requests'}
          </Link>
        </Button>
      )}
      <CopyAsMenu items={copyAs(wallet)} />
      {move && <MoveDialog kind={move} {...(isOrganization ? {} : { wallet })} onClose={() => setMove(null)} />}
    </div>
  )
}

const copyAs = ({ id }: Wallet): Record<string, string> => ({
  kt: `kt wallet transactions ${id}`,
  curl: `curl -fsS -H "Authorization: Bearer $KEEPTRUSTS_API_TOKEN" "$KEEPTRUSTS_API_URL/v1/wallets/${encodeURIComponent(id)}/transactions"`,
})
