'use client'

import { useQuery } from '@tanstack/react-query'
import { RequirePermission } from '@/components/shell/require-permission'
import { ErrorState } from '@/components/ui/error-state'
import { PageHeader } from '@/components/ui/page-header'
import { Skeleton } from '@/components/ui/skeleton'
import { SecurityForm } from './security-form'
import { settingsQueries } from './settings-queries'

export function SecurityPage() {
  return (
    <RequirePermission permission="settings:read">
      <PageHeader
        title="Security"
        description="How long sign-ins and keys last, and what gateways record. Changes act at once."
      />
      <SecurityValues />
    </RequirePermission>
  )
}

function SecurityValues() {
  const { data, error, refetch } = useQuery(settingsQueries.security())
  if (error && !data) return <ErrorState error={error} onRetry={() => void refetch()} />
  if (!data) return <Skeleton className="h-96 max-w-2xl" />
  // A new revision of the settings is a new form: what somebody else saved must not be overwritten unseen.
  return <SecurityForm key={data.updated_at} settings={data} />
}
