import type { Column } from '@/components/ui/data-table'
import { RelativeTime } from '@/components/ui/relative-time'
import type { ExportSummary } from '@/lib/contract/export-shapes'
import { ExportStateBadge } from './export-state'
import { bytesWords, countWords, dollarsWords, FORMAT_WORDS, rangeWords, TYPE_WORDS } from './export-words'

export const EXPORT_COLUMNS: Column<ExportSummary>[] = [
  {
    id: 'what',
    header: 'What',
    width: 'w-32',
    cell: ({ type, schedule_id }) => (
      <>
        <span className="font-medium">{TYPE_WORDS[type]}</span>
        {schedule_id && <span className="ml-1.5 text-fg-muted text-xs">scheduled</span>}
      </>
    ),
  },
  { id: 'range', header: 'Range', width: 'w-82', cell: (row) => rangeWords(row) },
  {
    id: 'filter',
    header: 'Filter',
    cell: ({ filter }) => (filter ? <code className="font-mono text-xs">{filter}</code> : '–'),
  },
  { id: 'format', header: 'Format', width: 'w-30', cell: ({ format }) => FORMAT_WORDS[format] },
  { id: 'rows', header: 'Rows', width: 'w-24', align: 'right', cell: ({ rows_done }) => countWords(rows_done) },
  { id: 'size', header: 'Size', width: 'w-22', align: 'right', cell: ({ bytes }) => bytesWords(bytes) },
  {
    id: 'cost',
    header: 'Cost of the rows',
    width: 'w-32',
    align: 'right',
    optional: true,
    cell: ({ cost_usd }) => dollarsWords(cost_usd),
  },
  { id: 'state', header: 'State', width: 'w-32', cell: (row) => <ExportStateBadge of={row} /> },
  {
    id: 'created',
    header: 'Created',
    width: 'w-26',
    cell: ({ created_at }) => <RelativeTime at={created_at} focusable={false} />,
  },
  { id: 'by', header: 'By', width: 'w-36', optional: true, cell: ({ created_by }) => created_by.name },
  { id: 'purpose', header: 'Purpose', width: 'w-48', optional: true, cell: ({ purpose }) => purpose || '–' },
]
