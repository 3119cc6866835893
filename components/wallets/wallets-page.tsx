'use client'

import { useQuery } from '@tanstack/react-query'
import Link from 'next/link'
import { parseAsStringLiteral, useQueryState } from 'nuqs'
import { RequirePermission } from '@/components/shell/require-permission'
import { rolesWith } from '@/components/shell/roles-with'
import { useCan } from '@/components/shell/whoami-context'
import { Callout } from '@/components/ui/callout'
import { PageHeader } from '@/components/ui/page-header'
import { Tabs, TabsContent, TabsList, TabsTrigger } from '@/components/ui/tabs'
import { LedgerCheck } from './ledger-check'
import { SpendSettingsPanel } from './spend-settings-panel'
import { useIsUnfunded } from './use-is-unfunded'
import { WalletButtons } from './wallet-buttons'
import { walletQueries } from './wallet-queries'
import { WalletsTable } from './wallets-table'

const VIEWS = ['wallets', 'rules'] as const

export function WalletsPage() {
  return (
    <RequirePermission permission="spend:read">
      <Wallets />
    </RequirePermission>
  )
}

function Wallets() {
  const mayWrite = useCan('org:billing')
  const [view, setView] = useQueryState('view', parseAsStringLiteral(VIEWS).withDefault('wallets'))
  return (
    <>
      <PageHeader
        title="Wallets"
        description="Money that was put in, given to teams and users, and spent. A request is paid by the first of its user, team and organization that can."
        actions={mayWrite && <WalletButtons />}
      />
      <Tabs value={view} onValueChange={(next) => void setView(VIEWS.find((known) => known === next) ?? null)}>
        <TabsList aria-label="Wallets or rules">
          <TabsTrigger value="wallets">Wallets</TabsTrigger>
          <TabsTrigger value="rules">Rules</TabsTrigger>
        </TabsList>
        <TabsContent value="wallets" className="flex flex-col gap-3 pt-3">
          {!mayWrite && <Callout>Credited, allocated and reclaimed by: {rolesWith('org:billing').join(', ')}.</Callout>}
          <WalletsTable />
          {/* Below what it is about, so that nothing moves when it comes. */}
          <Standing />
          <LedgerCheck />
        </TabsContent>
        <TabsContent value="rules" className="pt-3">
          <SpendSettingsPanel />
        </TabsContent>
      </Tabs>
    </>
  )
}

/** Where money begins; and why balances that nothing draws on do not change, which would puzzle. */
function Standing() {
  const isUnfunded = useIsUnfunded()
  const { data } = useQuery(walletQueries.settings())
  const rules = (
    <Link href="/wallets?view=rules" className="underline underline-offset-2">
      Rules
    </Link>
  )
  if (isUnfunded) {
    return (
      <Callout>
        <p>
          No money was put in yet. Credit the organization first, then allocate to teams and users. Spend is counted
          without wallets, too; whether requests have to be paid from one is set under {rules}.
        </p>
        <code className="mt-1 block break-words font-mono text-xs">
          kt wallet credit --amount 2000 --note 'Invoice 2026-031'
        </code>
      </Callout>
    )
  }
  if (!data || data.wallets_required) return null
  return (
    <Callout>
      Nobody has to pay from a wallet yet: spend is counted, and balances stay as they are. That is set under {rules}.
    </Callout>
  )
}
