'use client'

import { FileInput, Plus } from 'lucide-react'
import dynamic from 'next/dynamic'
import { parseAsBoolean, parseAsStringLiteral, useQueryState } from 'nuqs'
import { RequirePermission } from '@/components/shell/require-permission'
import { rolesWith } from '@/components/shell/roles-with'
import { useCan } from '@/components/shell/whoami-context'
import { Button } from '@/components/ui/button'
import { Callout } from '@/components/ui/callout'
import { PageHeader } from '@/components/ui/page-header'
import { Tabs, TabsContent, TabsList, TabsTrigger } from '@/components/ui/tabs'
import { useEver } from '@/components/ui/use-ever'
import { PastCosts } from './past-costs'
import { PricesTable } from './prices-table'
import { VersionsTable } from './versions-table'

const SetPriceDialog = dynamic(() => import('./set-price-dialog').then((it) => it.SetPriceDialog), { ssr: false })
const ImportDialog = dynamic(() => import('./import-dialog').then((it) => it.ImportDialog), { ssr: false })

const VIEWS = ['prices', 'versions', 'past'] as const

export function ModelPricesPage() {
  return (
    <RequirePermission permission="org:read">
      <ModelPrices />
    </RequirePermission>
  )
}

function ModelPrices() {
  const mayWrite = useCan('org:billing')
  const maySpend = useCan('spend:read')
  const [view, setView] = useQueryState('view', parseAsStringLiteral(VIEWS).withDefault('prices'))
  const [isSetting, setIsSetting] = useQueryState('set', parseAsBoolean)
  const [isImporting, setIsImporting] = useQueryState('import', parseAsBoolean)
  const hasSet = useEver(isSetting === true)
  const hasImported = useEver(isImporting === true)
  return (
    <>
      <PageHeader
        title="Model prices"
        description="What calls cost, per model. The price of a target goes before the organization's own, and that before the public catalogue."
        actions={
          mayWrite && (
            <>
              <Button onClick={() => void setIsImporting(true)}>
                <FileInput /> Import
              </Button>
              <Button variant="primary" onClick={() => void setIsSetting(true)}>
                <Plus /> Set a price
              </Button>
            </>
          )
        }
      />
      {!mayWrite && <Callout>Set and imported by: {rolesWith('org:billing').join(', ')}.</Callout>}
      <Tabs value={view} onValueChange={(next) => void setView(VIEWS.find((known) => known === next) ?? null)}>
        <TabsList aria-label="Prices, versions or past costs">
          <TabsTrigger value="prices">Prices</TabsTrigger>
          <TabsTrigger value="versions">Versions</TabsTrigger>
          {maySpend && <TabsTrigger value="past">Past costs</TabsTrigger>}
        </TabsList>
        <TabsContent value="prices" className="pt-3">
          <PricesTable />
        </TabsContent>
        <TabsContent value="versions" className="pt-3">
          <VersionsTable />
        </TabsContent>
        {maySpend && (
          <TabsContent value="past" className="pt-3">
            <PastCosts />
          </TabsContent>
        )}
      </Tabs>
      {hasSet && mayWrite && isSetting && <SetPriceDialog onClose={() => void setIsSetting(null)} />}
      {hasImported && mayWrite && isImporting && <ImportDialog onClose={() => void setIsImporting(null)} />}
    </>
  )
}
