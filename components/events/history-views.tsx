'use client'

import dynamic from 'next/dynamic'
import Link from 'next/link'
import { parseAsStringLiteral, useQueryState } from 'nuqs'
import { useCan } from '@/components/shell/whoami-context'
import { cn } from '@/components/ui/cn'
import { Skeleton } from '@/components/ui/skeleton'
import { SavedViewsMenu } from '@/components/views/saved-views-menu'
import { EventsView } from './events-view'

const loading = () => <Skeleton className="h-96" />
const ActivityView = dynamic(() => import('@/components/activity/activity-view').then((it) => it.ActivityView), {
  loading,
})
const SessionsTable = dynamic(() => import('@/components/sessions/sessions-table').then((it) => it.SessionsTable), {
  loading,
})

const QuarantineView = dynamic(
  () => import('@/components/quarantine/quarantine-view').then((it) => it.QuarantineView),
  {
    loading,
  },
)

const VIEWS = ['events', 'activity', 'quarantine', 'sessions'] as const
const WORDS = { events: 'Events', activity: 'Activity', quarantine: 'Quarantine', sessions: 'Sessions' }

/** The views of History; `view` in the URL. What a view filters by means nothing to the other, so a switch starts anew. */
export function HistoryViews() {
  const [asked] = useQueryState('view', parseAsStringLiteral(VIEWS).withDefault('events'))
  const canReadActivity = useCan('activity:read')
  const offered = VIEWS.filter((name) => name !== 'activity' || canReadActivity)
  const view = offered.find((name) => name === asked) ?? 'events'
  return (
    <>
      <div className="flex items-center justify-between gap-4 border-b">
        <nav aria-label="History views" className="flex min-w-0 gap-4 overflow-x-auto">
          {offered.map((name) => (
            <Link
              key={name}
              href={`/history?view=${name}`}
              aria-current={name === view ? 'page' : undefined}
              className={cn(
                '-mb-px border-transparent border-b-2 py-2 text-fg-muted text-sm hover:text-fg',
                name === view && 'border-accent font-medium text-fg',
              )}
            >
              {WORDS[name]}
            </Link>
          ))}
        </nav>
        {(view === 'events' || view === 'activity') && <SavedViewsMenu of="history" />}
      </div>
      {view === 'events' && <EventsView />}
      {view === 'activity' && <ActivityView />}
      {view === 'quarantine' && <QuarantineView />}
      {view === 'sessions' && (
        <>
          <p className="text-fg-muted text-sm">
            Where you are signed in now. Each organization member sees their own; what a session changed is under
            Activity.
          </p>
          <SessionsTable />
        </>
      )}
    </>
  )
}
