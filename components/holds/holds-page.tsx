'use client'

import { Plus } from 'lucide-react'
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
import { HoldsTable } from './holds-table'
import { RetentionPanel } from './retention-panel'

const CreateHoldDialog = dynamic(() => import('./create-hold-dialog').then((it) => it.CreateHoldDialog), { ssr: false })

const VIEWS = ['holds', 'kept'] as const

export function HoldsPage() {
  return (
    <RequirePermission permission="settings:read">
      <Holds />
    </RequirePermission>
  )
}

function Holds() {
  const mayWrite = useCan('holds:write')
  const [view, setView] = useQueryState('view', parseAsStringLiteral(VIEWS).withDefault('holds'))
  const [isCreating, setIsCreating] = useQueryState('create', parseAsBoolean)
  const hasCreated = useEver(isCreating === true)
  const createButton = mayWrite && (
    <Button variant="primary" onClick={() => void setIsCreating(true)}>
      <Plus /> Create legal hold
    </Button>
  )
  return (
    <>
      <PageHeader
        title="Retention and holds"
        description="What is kept and until when, and what the law or a dispute keeps beyond that."
        actions={createButton}
      />
      <Tabs value={view} onValueChange={(next) => void setView(VIEWS.find((known) => known === next) ?? null)}>
        <TabsList aria-label="Holds or what is kept">
          <TabsTrigger value="holds">Legal holds</TabsTrigger>
          <TabsTrigger value="kept">What is kept</TabsTrigger>
        </TabsList>
        <TabsContent value="holds" className="flex flex-col gap-3 pt-3">
          {!mayWrite && <Callout>Made and released by: {rolesWith('holds:write').join(', ')}.</Callout>}
          <HoldsTable createButton={createButton} mayWrite={mayWrite} />
        </TabsContent>
        <TabsContent value="kept" className="pt-3">
          <RetentionPanel />
        </TabsContent>
      </Tabs>
      {hasCreated && mayWrite && (
        <CreateHoldDialog open={isCreating ?? false} onClose={() => void setIsCreating(null)} />
      )}
    </>
  )
}
