'use client'

import { useInfiniteQuery } from '@tanstack/react-query'
import { Ban, Plus } from 'lucide-react'
import dynamic from 'next/dynamic'
import { parseAsBoolean, useQueryState } from 'nuqs'
import { useMemo, useState } from 'react'
import { RequirePermission } from '@/components/shell/require-permission'
import { useCan } from '@/components/shell/whoami-context'
import { Button } from '@/components/ui/button'
import { DataTable } from '@/components/ui/data-table'
import { EmptyState } from '@/components/ui/empty-state'
import { FilterBar } from '@/components/ui/filter-bar'
import { PageHeader } from '@/components/ui/page-header'
import { useEver } from '@/components/ui/use-ever'
import { useOpenRow } from '@/components/ui/use-open-row'
import { useRowSelection } from '@/components/ui/use-row-selection'
import { SavedViewsMenu } from '@/components/views/saved-views-menu'
import type { Token } from '@/lib/contract/tokens'
import { TOKEN_COLUMNS } from './token-columns'
import { ATTENTION_LABELS, STATUS_LABELS, useTokenFilter } from './token-filter'
import { tokenQueries } from './token-queries'
import { isLive } from './token-status'
import { TYPE_WORDS } from './token-words'

// Forms and details are most of the script of this page, and nobody needs them to read a list.
const BulkRevokeDialog = dynamic(() => import('./bulk-revoke-dialog').then((it) => it.BulkRevokeDialog), { ssr: false })
const CreateTokenDialog = dynamic(() => import('./create-token-dialog').then((it) => it.CreateTokenDialog), {
  ssr: false,
})
const TokenSheet = dynamic(() => import('./token-sheet').then((it) => it.TokenSheet), { ssr: false })

type TokensPageProps = { type: Token['token_type'] }

const ABOUT: Record<Token['token_type'], { text: string; command: string }> = {
  access: {
    text: 'Access keys open the control-plane API: automation, CI, and gateway processes.',
    command: 'kt tokens create --type access --name ci-pipeline-prod --expires-in 90d',
  },
  gateway: {
    text: 'Gateway keys carry AI traffic through a gateway. Limit each to the models it needs.',
    command: 'kt tokens create --type gateway --name app-production --expires-in 30d',
  },
}

/** The list of one kind of key, its filters, its create dialog and the sheet of the chosen one. */
export function TokensPage({ type }: TokensPageProps) {
  return (
    <RequirePermission permission="tokens:read">
      <Tokens type={type} />
    </RequirePermission>
  )
}

function Tokens({ type }: TokensPageProps) {
  const canWrite = useCan('tokens:write')
  const [isCreating, setIsCreating] = useQueryState('create', parseAsBoolean.withDefault(false))
  const [openId, setOpenId] = useOpenRow()
  const { filter, q, status, facet, setFilter, isFiltered, clear } = useTokenFilter(type)
  const query = useInfiniteQuery(tokenQueries.list(filter))
  const rows = useMemo(() => query.data?.pages.flatMap((page) => page.items), [query.data])
  const selection = useRowSelection(rows, idOf, isLive)
  const [isRevoking, setIsRevoking] = useState(false)
  const [hasRevoked, hasCreated, hasOpened] = [useEver(isRevoking), useEver(isCreating), useEver(openId !== null)]
  const words = TYPE_WORDS[type]
  const createButton = canWrite && (
    <Button variant="primary" onClick={() => void setIsCreating(true)}>
      <Plus /> Create {words.one}
    </Button>
  )

  return (
    <>
      <PageHeader title={words.many} description={ABOUT[type].text} actions={createButton} />
      <DataTable
        label={words.many}
        columns={TOKEN_COLUMNS[type]}
        rows={rows}
        rowId={idOf}
        selectable={
          canWrite
            ? {
                selection,
                nameOf: ({ name }) => `the key ${name}`,
                noun: { one: words.one, many: words.many.toLowerCase() },
                actions: (
                  <Button size="sm" variant="danger-outline" onClick={() => setIsRevoking(true)}>
                    <Ban /> Revoke
                  </Button>
                ),
              }
            : undefined
        }
        error={query.error}
        onRetry={() => void query.refetch()}
        isFiltered={isFiltered}
        onClearFilter={clear}
        more={{
          hasMore: query.hasNextPage,
          isLoading: query.isFetchingNextPage,
          load: () => void query.fetchNextPage(),
        }}
        selectedId={openId}
        onSelect={(id) => void setOpenId(id)}
        minWidth="min-w-6xl"
        empty={
          <EmptyState title={`No ${words.one} yet`} action={createButton} command={ABOUT[type].command}>
            {ABOUT[type].text}
          </EmptyState>
        }
        toolbar={
          <FilterBar
            label="Part of a name"
            placeholder="Name…"
            text={q}
            onTextChange={(text) => void setFilter({ q: text || null })}
            isFiltered={isFiltered}
            onClear={clear}
            facets={[
              {
                id: 'status',
                label: 'Status',
                value: status,
                options: options(STATUS_LABELS),
                onChange: (value) => void setFilter({ status: known(STATUS_LABELS, value) }),
              },
              {
                id: 'facet',
                label: 'Look at',
                value: facet,
                options: options(ATTENTION_LABELS).filter(
                  ({ value }) => type === 'gateway' || value !== 'no_model_limit',
                ),
                onChange: (value) => void setFilter({ facet: known(ATTENTION_LABELS, value) }),
              },
            ]}
          >
            <SavedViewsMenu of={`${type}-keys`} />
          </FilterBar>
        }
      />
      {canWrite && hasCreated && (
        <CreateTokenDialog type={type} open={isCreating} onClose={() => void setIsCreating(null)} />
      )}
      {canWrite && hasRevoked && (
        <BulkRevokeDialog chosen={selection.rows} open={isRevoking} onClose={() => setIsRevoking(false)} />
      )}
      {hasOpened && <TokenSheet id={openId} onClose={() => void setOpenId(null)} />}
    </>
  )
}

const idOf = ({ id }: Token) => id

const options = (labels: Record<string, string>) => Object.entries(labels).map(([value, label]) => ({ value, label }))

const known = <T extends object>(labels: T, value: string | null) =>
  value !== null && Object.hasOwn(labels, value) ? (value as keyof T) : null
