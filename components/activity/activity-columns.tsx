import type { Column } from '@/components/ui/data-table'
import { IdText } from '@/components/ui/id-text'
import { NameText } from '@/components/ui/name-text'
import { RelativeTime } from '@/components/ui/relative-time'
import type { Activity } from '@/lib/contract/activity'
import { actorText, SOURCE_WORDS, targetText } from './activity-words'
import { OutcomeBadge } from './outcome-badge'

export const activityColumns: readonly Column<Activity>[] = [
  { id: 'time', header: 'Time', width: 'w-30', cell: (entry) => <RelativeTime at={entry.at} focusable={false} /> },
  { id: 'actor', header: 'Who', width: 'w-40', cell: (entry) => <NameText name={actorText(entry)} /> },
  {
    id: 'action',
    header: 'Did what',
    width: 'w-72',
    cell: (entry) => <code className="font-mono text-xs">{entry.action}</code>,
  },
  { id: 'target', header: 'To what', cell: (entry) => <Target entry={entry} /> },
  { id: 'source', header: 'Source', width: 'w-24', cell: (entry) => SOURCE_WORDS[entry.source] },
  { id: 'outcome', header: 'Outcome', width: 'w-28', cell: (entry) => <OutcomeBadge outcome={entry.outcome} /> },
  {
    id: 'ip',
    header: 'IP address',
    width: 'w-36',
    cell: (entry) => <code className="font-mono text-xs">{entry.ip ?? '–'}</code>,
  },
  {
    id: 'request',
    header: 'Request',
    width: 'w-44',
    optional: true,
    cell: (entry) => <IdText id={entry.request_id} what="request id" copy={false} />,
  },
]

const Target = ({ entry }: { entry: Activity }) => (
  <span className="flex min-w-0 gap-1.5">
    <span className="shrink-0 text-fg-muted">{entry.target.type}</span>
    <NameText name={targetText(entry)} className="min-w-0" />
  </span>
)
