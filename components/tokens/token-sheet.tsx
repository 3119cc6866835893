'use client'

import { useQuery } from '@tanstack/react-query'
import { Ban, ListTree, Pencil, Siren } from 'lucide-react'
import Link from 'next/link'
import { useState } from 'react'
import { useCan } from '@/components/shell/whoami-context'
import { TeamName } from '@/components/teams/team-name'
import { Badge } from '@/components/ui/badge'
import { Button } from '@/components/ui/button'
import { CopyAsMenu } from '@/components/ui/copy-as-menu'
import { Details } from '@/components/ui/details'
import { ErrorState } from '@/components/ui/error-state'
import { IdText } from '@/components/ui/id-text'
import { RelativeTime } from '@/components/ui/relative-time'
import { Sheet } from '@/components/ui/sheet'
import { Skeleton } from '@/components/ui/skeleton'
import type { Token } from '@/lib/contract/tokens'
import { EditTokenDialog } from './edit-token-dialog'
import { LeakedDialog } from './leaked-dialog'
import { RevokeDialog } from './revoke-dialog'
import { RotationPanel } from './rotation-panel'
import { tokenQueries } from './token-queries'
import { inspectCommands } from './token-snippets'
import { isLive, TokenStatus } from './token-status'
import { TokenUsagePanel } from './token-usage-panel'
import { describeAllowed, PURPOSE_WORDS, secretHint } from './token-words'

type TokenSheetProps = { id: string | null; onClose: () => void }

export function TokenSheet({ id, onClose }: TokenSheetProps) {
  const { data: token, error, refetch } = useQuery({ ...tokenQueries.get(id ?? ''), enabled: id !== null })
  return (
    <Sheet
      open={id !== null}
      onClose={onClose}
      title={token?.name ?? 'Key'}
      subtitle={
        token && (
          <>
            <TokenStatus token={token} />
            <IdText id={token.id} what="key id" />
          </>
        )
      }
    >
      {token ? (
        <TokenDetail key={token.id} token={token} />
      ) : error ? (
        <ErrorState error={error} onRetry={() => void refetch()} />
      ) : (
        <div className="flex flex-col gap-3">
          <Skeleton className="w-1/2" />
          <Skeleton />
          <Skeleton className="w-3/4" />
        </div>
      )}
    </Sheet>
  )
}

function TokenDetail({ token }: { token: Token }) {
  const canWrite = useCan('tokens:write')
  const canSeeEvents = useCan('events:read')
  const [isRevoking, setIsRevoking] = useState(false)
  const [isEditing, setIsEditing] = useState(false)
  const [isLeaked, setIsLeaked] = useState(false)
  return (
    <div className="flex flex-col gap-5">
      <div className="flex flex-wrap gap-2">
        {canSeeEvents && token.token_type === 'gateway' && (
          <Button asChild size="sm">
            <Link href={`/history?since=7d&filter=${encodeURIComponent(`token_id=${token.id}`)}`}>
              <ListTree /> Its calls
            </Link>
          </Button>
        )}
        <CopyAsMenu items={inspectCommands(token, window.location.origin)} />
        {canWrite && isLive(token) && (
          <Button size="sm" onClick={() => setIsEditing(true)}>
            <Pencil /> Change
          </Button>
        )}
        <Button size="sm" className="ml-auto" onClick={() => setIsLeaked(true)}>
          <Siren /> It leaked
        </Button>
        {canWrite && isLive(token) && (
          <Button size="sm" variant="danger-outline" onClick={() => setIsRevoking(true)}>
            <Ban /> Revoke key
          </Button>
        )}
      </div>
      <Details items={facts(token)} />
      {canSeeEvents && token.token_type === 'gateway' && <TokenUsagePanel token={token} canWrite={canWrite} />}
      {isLive(token) && <RotationPanel token={token} canWrite={canWrite} />}
      <EditTokenDialog token={token} open={isEditing} onOpenChange={setIsEditing} />
      <LeakedDialog token={token} open={isLeaked} onOpenChange={setIsLeaked} />
      <RevokeDialog token={token} open={isRevoking} onOpenChange={setIsRevoking} />
    </div>
  )
}

function facts(token: Token): [string, React.ReactNode][] {
  const rows: [string, React.ReactNode][] = [
    [
      'Secret',
      <span key="s" className="font-mono text-xs">
        {secretHint(token)}
      </span>,
    ],
    ['Purpose', PURPOSE_WORDS[token.purpose]],
    [
      'Scope',
      token.scope === 'team' && token.team_id ? (
        <span key="scope">
          Team <TeamName id={token.team_id} />
        </span>
      ) : (
        'Whole organization'
      ),
    ],
  ]
  if (token.token_type === 'gateway') {
    rows.push(
      ['Models', <Names key="m" names={token.allowed_models} all="Any model" />],
      ['Providers', <Names key="p" names={token.allowed_providers} all="Any provider" />],
      ['Agent', token.agent_id ?? '–'],
    )
  } else {
    if (token.gateway_id) rows.push(['Gateway', <IdText key="g" id={token.gateway_id} what="gateway id" />])
    if (token.role_id) rows.push(['Role', token.role_id.replace('role_', '')])
    rows.push(['Permissions', <Names key="a" names={token.permissions} all="" />])
  }
  rows.push(
    [
      'Created',
      <span key="c">
        <RelativeTime at={token.created_at} /> by {token.created_by.name}
      </span>,
    ],
    token.revoked_at
      ? ['Revoked', <RelativeTime key="r" at={token.revoked_at} />]
      : ['Expires', <RelativeTime key="e" at={token.expires_at} />],
    ['Last used', <RelativeTime key="l" at={token.last_used_at} />],
  )
  return rows
}

function Names({ names, all }: { names: string[] | null; all: string }) {
  if (!names || names.length === 0) return <span className="text-fg-muted">{describeAllowed(names, all)}</span>
  return (
    <span className="flex flex-wrap gap-1">
      {names.map((name) => (
        <Badge key={name} tone="outline" className="font-mono font-normal">
          {name}
        </Badge>
      ))}
    </span>
  )
}
