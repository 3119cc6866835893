'use client'

import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { PenLine } from 'lucide-react'
import dynamic from 'next/dynamic'
import { parseAsStringLiteral, useQueryState } from 'nuqs'
import { RequirePermission } from '@/components/shell/require-permission'
import { useCan } from '@/components/shell/whoami-context'
import { Button } from '@/components/ui/button'
import { ErrorState } from '@/components/ui/error-state'
import { notice } from '@/components/ui/notice'
import { PageHeader } from '@/components/ui/page-header'
import { Skeleton } from '@/components/ui/skeleton'
import { Tabs, TabsContent, TabsList, TabsTrigger } from '@/components/ui/tabs'
import { useEver } from '@/components/ui/use-ever'
import { useOpenRow } from '@/components/ui/use-open-row'
import { trail } from '@/lib/contract/trail'
import { newId } from '@/lib/ids'
import { api } from '../api'
import { AlarmCallout } from './alarm-callout'
import { DigestsPanel } from './digests-panel'
import { trailQueries } from './trail-queries'
import { TrailState } from './trail-state'

const loading = () => <Skeleton className="h-64" />
const VerifyPanel = dynamic(() => import('./verify-panel').then((it) => it.VerifyPanel), { loading })
const CheckpointPanel = dynamic(() => import('./checkpoint-panel').then((it) => it.CheckpointPanel), { loading })
const KeysPanel = dynamic(() => import('./keys-panel').then((it) => it.KeysPanel), { loading })
const SinksPanel = dynamic(() => import('./sinks-panel').then((it) => it.SinksPanel), { loading })
const DigestSheet = dynamic(() => import('./digest-sheet').then((it) => it.DigestSheet), { ssr: false })
const VerificationSheet = dynamic(() => import('./verification-sheet').then((it) => it.VerificationSheet), {
  ssr: false,
})

const VIEWS = ['digests', 'verify', 'checkpoint', 'keys', 'sinks'] as const
const WORDS: Record<(typeof VIEWS)[number], string> = {
  digests: 'Digests',
  verify: 'Verify',
  checkpoint: 'Checkpoint',
  keys: 'Keys',
  sinks: 'Sinks',
}

export function TrailPage() {
  return (
    <RequirePermission permission="trail:read">
      <Trail />
    </RequirePermission>
  )
}

function Trail() {
  const status = useQuery(trailQueries.status())
  const [view, setView] = useQueryState('view', parseAsStringLiteral(VIEWS).withDefault('digests'))
  const [openId, setOpenId] = useOpenRow()
  const digestId = openId?.startsWith('dig_') ? openId : null
  const verificationId = openId?.startsWith('ver_') ? openId : null
  const hasOpenedDigest = useEver(digestId !== null)
  const hasOpenedVerification = useEver(verificationId !== null)
  const open = (id: string | null) => void setOpenId(id, { history: openId === null ? 'push' : 'replace' })
  return (
    <>
      <PageHeader
        title="Trail"
        description="Every decision and every change is one record in one sequence, hashed into a tree whose root is signed. What was recorded cannot be changed, dropped or put in between without it showing."
        actions={<SignNow canSign={status.data?.can_sign === true && status.data.alarm === null} />}
      />
      {status.error && !status.data ? (
        <ErrorState error={status.error} onRetry={() => void status.refetch()} />
      ) : (
        <>
          {status.data?.alarm && <AlarmCallout alarm={status.data.alarm} />}
          <TrailState status={status.data} />
        </>
      )}
      <Tabs
        value={view}
        onValueChange={(next) => {
          void setView(VIEWS.find((known) => known === next) ?? null)
          if (openId !== null) open(null)
        }}
      >
        <TabsList aria-label="Parts of the trail">
          {VIEWS.map((name) => (
            <TabsTrigger key={name} value={name}>
              {WORDS[name]}
            </TabsTrigger>
          ))}
        </TabsList>
        <TabsContent value="digests" className="pt-3">
          <DigestsPanel status={status.data} openId={digestId} onOpen={open} />
        </TabsContent>
        <TabsContent value="verify" className="pt-3">
          <VerifyPanel openId={verificationId} onOpen={open} />
        </TabsContent>
        <TabsContent value="checkpoint" className="pt-3">
          <CheckpointPanel />
        </TabsContent>
        <TabsContent value="keys" className="pt-3">
          <KeysPanel canSign={status.data?.can_sign === true && status.data.alarm === null} />
        </TabsContent>
        <TabsContent value="sinks" className="pt-3">
          <SinksPanel />
        </TabsContent>
      </Tabs>
      {hasOpenedDigest && <DigestSheet id={digestId} onClose={() => open(null)} />}
      {hasOpenedVerification && (
        <VerificationSheet id={verificationId} onClose={() => open(null)} onOpenDigest={(id) => open(id)} />
      )}
    </>
  )
}

function SignNow({ canSign }: { canSign: boolean }) {
  const queryClient = useQueryClient()
  const mayWrite = useCan('trail:write')
  const sign = useMutation({
    mutationFn: () => api(trail.sign, {}, { idempotencyKey: newId('req') }),
    onSuccess: ({ number }) => notice.success(`Digest ${number} is signed.`),
    onError: (error) => notice.error('Nothing was signed.', { description: error.message }),
    onSettled: () => queryClient.invalidateQueries({ queryKey: trailQueries.all }),
  })
  if (!mayWrite || !canSign) return null
  return (
    <Button disabled={sign.isPending} onClick={() => sign.mutate()}>
      <PenLine /> {sign.isPending ? 'Signing…' : 'Sign a digest now'}
    </Button>
  )
}
