'use client'

import { useInfiniteQuery } from '@tanstack/react-query'
import { Plus } from 'lucide-react'
import dynamic from 'next/dynamic'
import { parseAsBoolean, useQueryState } from 'nuqs'
import { RequirePermission } from '@/components/shell/require-permission'
import { useCan } from '@/components/shell/whoami-context'
import { Button } from '@/components/ui/button'
import { DataTable } from '@/components/ui/data-table'
import { EmptyState } from '@/components/ui/empty-state'
import { PageHeader } from '@/components/ui/page-header'
import { useEver } from '@/components/ui/use-ever'
import { useOpenRow } from '@/components/ui/use-open-row'
import { GATEWAY_COLUMNS } from './gateway-columns'
import { gatewayQueries } from './gateway-queries'

const GatewaySheet = dynamic(() => import('./gateway-sheet').then((it) => it.GatewaySheet), { ssr: false })
const RegisterDialog = dynamic(() => import('./register-dialog').then((it) => it.RegisterDialog), { ssr: false })

const ABOUT = 'A gateway answers your applications and asks this control plane for nothing while it does.'

export function GatewaysPage() {
  return (
    <RequirePermission permission="gateways:read">
      <Gateways />
    </RequirePermission>
  )
}

function Gateways() {
  const { data, error, refetch, hasNextPage, isFetchingNextPage, fetchNextPage } = useInfiniteQuery(
    gatewayQueries.list(),
  )
  const [openId, setOpenId] = useOpenRow()
  const [isRegistering, setIsRegistering] = useQueryState('register', parseAsBoolean)
  const [hasOpened, hasRegistered] = [useEver(openId !== null), useEver(isRegistering === true)]
  const canWrite = useCan('gateways:write')
  const canMakeKeys = useCan('tokens:write')
  const registerButton = canWrite && canMakeKeys && (
    <Button variant="primary" onClick={() => void setIsRegistering(true)}>
      <Plus /> Register gateway
    </Button>
  )
  return (
    <>
      <PageHeader title="Gateways" description={ABOUT} actions={registerButton} />
      <DataTable
        label="Gateways"
        columns={GATEWAY_COLUMNS}
        rows={data?.pages.flatMap((page) => page.items)}
        rowId={(gateway) => gateway.id}
        error={error}
        onRetry={() => void refetch()}
        more={{ hasMore: hasNextPage, isLoading: isFetchingNextPage, load: () => void fetchNextPage() }}
        selectedId={openId}
        onSelect={(id) => void setOpenId(id)}
        isTall
        minWidth="min-w-6xl"
        empty={
          <EmptyState title="No gateways yet" action={registerButton} command="kt gateway register proxy_production_01">
            {ABOUT}
          </EmptyState>
        }
      />
      {canWrite && canMakeKeys && hasRegistered && (
        <RegisterDialog open={isRegistering ?? false} onClose={() => void setIsRegistering(null)} />
      )}
      {hasOpened && <GatewaySheet id={openId} onClose={() => void setOpenId(null)} />}
    </>
  )
}
