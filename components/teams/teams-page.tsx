'use client'

import { useQuery } from '@tanstack/react-query'
import { Pencil, Plus, Trash2 } from 'lucide-react'
import Link from 'next/link'
import { parseAsBoolean, useQueryState } from 'nuqs'
import { useMemo, useState } from 'react'
import { RequirePermission } from '@/components/shell/require-permission'
import { rolesWith } from '@/components/shell/roles-with'
import { useCan } from '@/components/shell/whoami-context'
import { Button } from '@/components/ui/button'
import { Callout } from '@/components/ui/callout'
import { type Column, DataTable } from '@/components/ui/data-table'
import { EmptyState } from '@/components/ui/empty-state'
import { IdText } from '@/components/ui/id-text'
import { NameText } from '@/components/ui/name-text'
import { PageHeader } from '@/components/ui/page-header'
import { RelativeTime } from '@/components/ui/relative-time'
import type { Team } from '@/lib/contract/teams'
import { DeleteTeamDialog } from './delete-team-dialog'
import { TeamDialog } from './team-dialog'
import { teamQueries } from './team-queries'

export function TeamsPage() {
  return (
    <RequirePermission permission="members:read">
      <Teams />
    </RequirePermission>
  )
}

type Asked = { what: 'rename' | 'delete'; team: Team }

function Teams() {
  const mayWrite = useCan('members:write')
  const maySpend = useCan('spend:read')
  const [isCreating, setIsCreating] = useQueryState('create', parseAsBoolean)
  const [asked, setAsked] = useState<Asked | null>(null)
  const { data, error, refetch } = useQuery(teamQueries.every())
  const columns = useMemo(() => columnsOf(maySpend, mayWrite ? setAsked : undefined), [maySpend, mayWrite])
  const createButton = mayWrite && (
    <Button variant="primary" onClick={() => void setIsCreating(true)}>
      <Plus /> Create team
    </Button>
  )
  const close = () => setAsked(null)
  return (
    <>
      <PageHeader
        title="Teams"
        description="Keys, budgets and wallets can belong to one. The record keeps teams by their id, whatever they are called later."
        actions={createButton}
      />
      {!mayWrite && <Callout>Made, renamed and deleted by: {rolesWith('members:write').join(', ')}.</Callout>}
      <DataTable
        label="Teams"
        columns={columns}
        rows={data}
        rowId={({ id }) => id}
        error={error}
        onRetry={() => void refetch()}
        minWidth="min-w-4xl"
        empty={
          <EmptyState title="No teams yet" action={createButton} command="kt team create --name Finance">
            A team has keys of its own, and can have budgets and a wallet.
          </EmptyState>
        }
      />
      {isCreating && mayWrite && <TeamDialog onClose={() => void setIsCreating(null)} />}
      {asked?.what === 'rename' && <TeamDialog team={asked.team} onClose={close} />}
      {asked?.what === 'delete' && <DeleteTeamDialog team={asked.team} onClose={close} />}
    </>
  )
}

function columnsOf(maySpend: boolean, ask: ((asked: Asked) => void) | undefined): Column<Team>[] {
  return [
    {
      id: 'name',
      header: 'Team',
      sortValue: ({ name }) => name,
      cell: ({ name }) => <NameText name={name} className="font-medium" />,
    },
    { id: 'id', header: 'Id', width: 'w-52', cell: ({ id }) => <IdText id={id} what="team id" /> },
    {
      id: 'created',
      header: 'Made',
      width: 'w-32',
      sortValue: ({ created_at }) => created_at,
      cell: ({ created_at }) => <RelativeTime at={created_at} focusable={false} />,
    },
    ...(maySpend
      ? [
          {
            id: 'spend',
            header: 'Spend',
            width: 'w-36',
            cell: ({ id }: Team) => (
              <span className="flex gap-3">
                <Link href={`/usage?filter=team_id%3D${id}`} className="text-accent hover:underline">
                  Usage
                </Link>
                <Link href={`/wallets?open=team%3A${id}`} className="text-accent hover:underline">
                  Wallet
                </Link>
              </span>
            ),
          },
        ]
      : []),
    ...(ask
      ? [
          {
            id: 'actions',
            header: 'Actions',
            width: 'w-56',
            cell: (team: Team) => (
              <span className="flex gap-1">
                <Button size="sm" variant="ghost" onClick={() => ask({ what: 'rename', team })}>
                  <Pencil /> Rename
                </Button>
                <Button size="sm" variant="ghost" onClick={() => ask({ what: 'delete', team })}>
                  <Trash2 /> Delete
                </Button>
              </span>
            ),
          },
        ]
      : []),
  ]
}
