'use client'

import { zodResolver } from '@hookform/resolvers/zod'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useRouter } from 'next/navigation'
import { useForm } from 'react-hook-form'
import type { z } from 'zod'
import { RequirePermission } from '@/components/shell/require-permission'
import { useCan } from '@/components/shell/whoami-context'
import { Button } from '@/components/ui/button'
import { Callout } from '@/components/ui/callout'
import { Details } from '@/components/ui/details'
import { ErrorState } from '@/components/ui/error-state'
import { describedBy, Field } from '@/components/ui/field'
import { IdText } from '@/components/ui/id-text'
import { Input } from '@/components/ui/input'
import { notice } from '@/components/ui/notice'
import { PageHeader } from '@/components/ui/page-header'
import { RelativeTime } from '@/components/ui/relative-time'
import { Skeleton } from '@/components/ui/skeleton'
import { organization as contract } from '@/lib/contract/organization'
import { api } from '../api'
import { settingsQueries } from './settings-queries'

export function OrganizationPage() {
  return (
    <RequirePermission permission="org:read">
      <PageHeader title="Organization" description="Keys, gateways, configurations and records belong to it." />
      <OrganizationFacts />
    </RequirePermission>
  )
}

function OrganizationFacts() {
  const { data, error, refetch } = useQuery(settingsQueries.organization())
  const mayWrite = useCan('org:write')
  if (error && !data) return <ErrorState error={error} onRetry={() => void refetch()} />
  if (!data) return <Skeleton className="h-40 max-w-2xl" />
  return (
    <div className="flex max-w-2xl flex-col gap-6">
      <Details
        items={[
          ['Name', data.name],
          ['Id', <IdText key="id" id={data.id} what="organization id" />],
          ['Created', <RelativeTime key="created" at={data.created_at} />],
        ]}
      />
      {mayWrite && <RenameForm key={data.name} name={data.name} />}
    </div>
  )
}

type Values = z.input<typeof contract.update.input>

function RenameForm({ name }: { name: string }) {
  const queryClient = useQueryClient()
  const router = useRouter()
  const form = useForm<Values>({ resolver: zodResolver(contract.update.input), defaultValues: { name } })
  const rename = useMutation({
    mutationFn: (values: Values) => api(contract.update, values),
    onSuccess: (saved) => {
      queryClient.setQueryData(settingsQueries.organization().queryKey, saved)
      router.refresh() // the shell, rendered on the server, shows the name as well
      notice.success('The organization was renamed.')
    },
  })
  const error = form.formState.errors.name
  return (
    <form noValidate className="flex flex-col gap-4" onSubmit={form.handleSubmit((values) => rename.mutate(values))}>
      {rename.error && (
        <Callout tone="danger" role="alert">
          {rename.error.message}
        </Callout>
      )}
      <Field
        id="organization-name"
        label="New name"
        hint="Up to 80 characters. Nothing refers to the name."
        error={error?.message}
      >
        <Input
          {...describedBy('organization-name', error)}
          autoComplete="off"
          className="max-w-sm"
          {...form.register('name')}
        />
      </Field>
      <div>
        <Button type="submit" variant="primary" disabled={rename.isPending || !form.formState.isDirty}>
          {rename.isPending ? 'Renaming…' : 'Rename'}
        </Button>
      </div>
    </form>
  )
}
