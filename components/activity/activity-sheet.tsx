'use client'

import { ListFilter } from 'lucide-react'
import type { ReactNode } from 'react'
import { useWhoami } from '@/components/shell/whoami-context'
import { Button } from '@/components/ui/button'
import { CodeBlock } from '@/components/ui/code-block'
import { Details } from '@/components/ui/details'
import { EmptyState } from '@/components/ui/empty-state'
import { IdText } from '@/components/ui/id-text'
import { ExactTime, RelativeTime } from '@/components/ui/relative-time'
import { Sheet } from '@/components/ui/sheet'
import { VerifyNow } from '@/components/verify/verify-now'
import type { Activity, ActivityFilterField } from '@/lib/contract/activity'
import { ActivityDiff } from './activity-diff'
import { activitySummary, actorText, SOURCE_WORDS } from './activity-words'
import { OutcomeBadge } from './outcome-badge'

type ActivitySheetProps = {
  id: string | null
  /** undefined while they load. */
  rows: readonly Activity[] | undefined
  onClose: () => void
  onFilter: (field: ActivityFilterField, value: string) => void
}

export function ActivitySheet({ id, rows, onClose, onFilter }: ActivitySheetProps) {
  const entry = rows?.find((row) => row.id === id)
  return (
    <Sheet
      open={id !== null}
      onClose={onClose}
      title={entry ? entry.action : 'Activity'}
      subtitle={
        <>
          {entry && <OutcomeBadge outcome={entry.outcome} />}
          {id && <IdText id={id} what="activity id" />}
          {entry && <RelativeTime at={entry.at} />}
        </>
      }
    >
      {entry ? (
        <Entry key={entry.id} entry={entry} onFilter={onFilter} />
      ) : (
        rows && (
          <EmptyState title="This entry is not among the rows loaded">
            Widen the time range or clear the filter, and load more rows until it comes.
          </EmptyState>
        )
      )}
    </Sheet>
  )
}

function Entry({ entry, onFilter }: { entry: Activity; onFilter: ActivitySheetProps['onFilter'] }) {
  const { organization } = useWhoami()
  const fact = (field: ActivityFilterField, value: string, shown: ReactNode) => (
    <span className="flex items-start gap-1">
      <span className="min-w-0 break-words">{shown}</span>
      <Button
        variant="ghost"
        size="icon-sm"
        className="-my-0.5"
        aria-label={`Filter by ${field} ${value}`}
        onClick={() => onFilter(field, value)}
      >
        <ListFilter className="size-3.5! text-fg-muted" />
      </Button>
    </span>
  )
  return (
    <div className="flex flex-col gap-6">
      <p className="text-base">{activitySummary(entry)}</p>
      <section aria-label="What changed" className="flex flex-col gap-2">
        <h3 className="font-medium text-sm">What changed</h3>
        <ActivityDiff before={entry.before} after={entry.after} />
      </section>
      <Details
        items={[
          ['When', <ExactTime key="at" at={entry.at} />],
          [
            'Who',
            fact(
              'actor_id',
              entry.actor.id,
              <>
                {actorText(entry)} <IdText id={entry.actor.id} what="actor id" />
              </>,
            ),
          ],
          ['Did what', fact('action', entry.action, <code className="font-mono text-xs">{entry.action}</code>)],
          [
            'To what',
            fact(
              'target_id',
              entry.target.id,
              <>
                {entry.target.type} {entry.target.name} <IdText id={entry.target.id} what="target id" />
              </>,
            ),
          ],
          ['Source', SOURCE_WORDS[entry.source]],
          [
            'IP address',
            <code key="ip" className="font-mono text-xs">
              {entry.ip ?? 'none'}
            </code>,
          ],
          ['Request', <IdText key="request" id={entry.request_id} what="request id" />],
        ]}
      />
      <section aria-label="Integrity" className="flex flex-col gap-2">
        <h3 className="font-medium text-sm">Integrity</h3>
        <VerifyNow record={() => shownEntry(entry, organization.id)} seq={entry.seq} recordedAt={entry.at} />
      </section>
      <CodeBlock code={JSON.stringify(entry, null, 2)} what="activity JSON" />
    </div>
  )
}

/** The line that was hashed is the canonical JSON of the entry with its organisation, its kind and when it was recorded. */
const shownEntry = async (entry: Activity, orgId: string) => ({
  line: (await import('@/lib/trail/canonical')).canonicalJson({
    ...entry,
    event_type: 'activity',
    org_id: orgId,
    recorded_at: entry.at,
  }),
  seq: entry.seq,
})
