'use client'

import { infiniteQueryOptions, useInfiniteQuery, useMutation, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { Badge } from '@/components/ui/badge'
import { Button } from '@/components/ui/button'
import { ConfirmDialog } from '@/components/ui/confirm-dialog'
import { type Column, DataTable } from '@/components/ui/data-table'
import { EmptyState } from '@/components/ui/empty-state'
import { notice } from '@/components/ui/notice'
import { RelativeTime } from '@/components/ui/relative-time'
import { type Session, sessions } from '@/lib/contract/sessions'
import { api } from '../api'
import { clientWords } from './client-words'

const sessionsQuery = infiniteQueryOptions({
  queryKey: ['sessions'],
  queryFn: ({ pageParam, signal }) => api(sessions.list, { cursor: pageParam }, { signal }),
  initialPageParam: undefined as string | undefined,
  getNextPageParam: (page) => page.next_cursor ?? undefined,
})

const columns: Column<Session>[] = [
  {
    id: 'device',
    header: 'Where',
    cell: (session) => (
      <span className="flex items-center gap-2">
        <span className="truncate" title={session.user_agent ?? undefined}>
          {clientWords(session.user_agent)}
        </span>
        {session.current && <Badge>This session</Badge>}
      </span>
    ),
  },
  {
    id: 'ip',
    header: 'Address',
    width: 'w-36',
    cell: (session) => <span className="font-mono text-xs">{session.ip ?? '–'}</span>,
  },
  {
    id: 'method',
    header: 'Signed in by',
    width: 'w-28',
    cell: ({ method }) => (method === 'oidc' ? 'OpenID' : 'Password'),
  },
  { id: 'created', header: 'Since', width: 'w-32', cell: (session) => <RelativeTime at={session.created_at} /> },
  { id: 'seen', header: 'Last used', width: 'w-32', cell: (session) => <RelativeTime at={session.last_seen_at} /> },
  {
    id: 'end',
    header: 'Action',
    width: 'w-24',
    align: 'right',
    cell: (session) => !session.current && <EndSession id={session.id} />,
  },
]

/** Where the viewer is signed in, this session first. An ended session is refused at its next request. */
export function SessionsTable() {
  const { data, error, refetch, hasNextPage, fetchNextPage, isFetchingNextPage } = useInfiniteQuery(sessionsQuery)
  const rows = data?.pages.flatMap((page) => page.items)
  const others = rows?.filter(({ current }) => !current) ?? []
  return (
    <DataTable
      label="Your sessions"
      columns={columns}
      rows={rows && [...rows.filter(({ current }) => current), ...others]}
      rowId={(session) => session.id}
      error={error}
      onRetry={() => void refetch()}
      empty={<EmptyState title="No sessions" />}
      toolbar={others.length > 1 && !hasNextPage && <EndOthers others={others} />}
      more={{ hasMore: hasNextPage, isLoading: isFetchingNextPage, load: () => void fetchNextPage() }}
    />
  )
}

/** For whoever fears that somebody else is signed in as them. */
function EndOthers({ others }: { others: readonly Session[] }) {
  const queryClient = useQueryClient()
  const [isAsking, setIsAsking] = useState(false)
  const end = useMutation({
    mutationFn: () => Promise.all(others.map(({ id }) => api(sessions.revoke, { id }))),
    onSuccess: () => {
      setIsAsking(false)
      notice.success(`${others.length} sessions were ended.`)
    },
    onSettled: () => queryClient.invalidateQueries({ queryKey: sessionsQuery.queryKey }),
  })
  return (
    <>
      <Button variant="danger-outline" size="sm" onClick={() => setIsAsking(true)}>
        End all others
      </Button>
      <ConfirmDialog
        open={isAsking}
        onOpenChange={setIsAsking}
        title={`End ${others.length} other sessions?`}
        confirmLabel="End sessions"
        isPending={end.isPending}
        error={end.error}
        onConfirm={() => end.mutate()}
      >
        <p>Browsers and kt are signed out there at their next request, and can sign in again. This session stays.</p>
      </ConfirmDialog>
    </>
  )
}

function EndSession({ id }: { id: string }) {
  const queryClient = useQueryClient()
  const end = useMutation({
    mutationFn: () => api(sessions.revoke, { id }),
    onSuccess: () => {
      notice.success('The session was ended.')
      return queryClient.invalidateQueries({ queryKey: sessionsQuery.queryKey })
    },
    onError: (error) => notice.error(error.message),
  })
  return (
    <Button variant="danger-outline" size="sm" disabled={end.isPending} onClick={() => end.mutate()}>
      End
    </Button>
  )
}
