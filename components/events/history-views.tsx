'use client'

import Link from 'next/link'
import { parseAsStringLiteral, useQueryState } from 'nuqs'
import { ActivityView } from '@/components/activity/activity-view'
import { useCan } from '@/components/shell/whoami-context'
import { cn } from '@/components/ui/cn'
import { EventsView } from './events-view'

const VIEWS = ['events', 'activity'] as const
const WORDS = { events: 'Events', activity: 'Activity' }

/** The views of History; `view` in the URL. What a view filters by means nothing to the other, so a switch starts anew. */
export function HistoryViews() {
  const [asked] = useQueryState('view', parseAsStringLiteral(VIEWS).withDefault('events'))
  const canReadActivity = useCan('activity:read')
  const view = asked === 'activity' && !canReadActivity ? 'events' : asked
  return (
    <>
      {canReadActivity && (
        <nav aria-label="History views" className="flex gap-4 border-b">
          {VIEWS.map((name) => (
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
      )}
      {view === 'events' ? <EventsView /> : <ActivityView />}
    </>
  )
}
