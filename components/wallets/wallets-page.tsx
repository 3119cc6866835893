'use client'

import { parseAsStringLiteral, useQueryState } from 'nuqs'
import { RequirePermission } from '@/components/shell/require-permission'
import { rolesWith } from '@/components/shell/roles-with'
import { useCan } from '@/components/shell/whoami-context'
import { Callout } from '@/components/ui/callout'
import { PageHeader } from '@/components/ui/page-header'
import { Tabs, TabsContent, TabsList, TabsTrigger } from '@/components/ui/tabs'
import { LedgerCheck } from './ledger-check'
import { SpendSettingsPanel } from './spend-settings-panel'
import { WalletButtons } from './wallet-buttons'
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
          <LedgerCheck />
        </TabsContent>
        <TabsContent value="rules" className="pt-3">
          <SpendSettingsPanel />
        </TabsContent>
      </Tabs>
    </>
  )
}
