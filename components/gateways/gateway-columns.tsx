import type { Column } from '@/components/ui/data-table'
import { NameText } from '@/components/ui/name-text'
import { RelativeTime } from '@/components/ui/relative-time'
import type { Gateway } from '@/lib/contract/gateways'
import { GatewayStatus } from './gateway-status'
import { durationWords, SOURCE_WORDS } from './gateway-words'

export const GATEWAY_COLUMNS: Column<Gateway>[] = [
  {
    id: 'name',
    header: 'Gateway',
    width: 'w-64',
    cell: ({ id, name }) => (
      <>
        <NameText name={name} className="font-medium" />
        {name !== id && <NameText name={id} className="font-mono text-fg-muted text-xs" />}
      </>
    ),
    sortValue: ({ name }) => name,
  },
  {
    id: 'status',
    header: 'Status',
    width: 'w-32',
    cell: ({ status }) => <GatewayStatus status={status} />,
    sortValue: ({ status }) => status,
  },
  {
    id: 'version',
    header: 'Runs',
    width: 'w-44',
    cell: (gateway) => <RunningVersion gateway={gateway} />,
    sortValue: ({ running_version }) => running_version,
  },
  {
    id: 'seen',
    header: 'Last seen',
    width: 'w-28',
    cell: ({ last_seen_at }) => (last_seen_at ? <RelativeTime at={last_seen_at} /> : '–'),
    sortValue: ({ last_seen_at }) => last_seen_at,
  },
  {
    id: 'requests',
    header: 'Requests',
    width: 'w-28',
    align: 'right',
    cell: ({ requests_processed }) => requests_processed.toLocaleString('en'),
    sortValue: ({ requests_processed }) => requests_processed,
  },
  {
    id: 'overhead',
    header: 'Overhead p50 / p99',
    width: 'w-40',
    align: 'right',
    cell: ({ overhead_p50_us: p50, overhead_p99_us: p99 }) =>
      p50 === null && p99 === null ? '–' : `${durationWords(p50)} / ${durationWords(p99)}`,
    sortValue: ({ overhead_p99_us }) => overhead_p99_us,
  },
  {
    id: 'spool',
    header: 'Waiting events',
    width: 'w-32',
    align: 'right',
    cell: ({ spool_depth }) => spool_depth.toLocaleString('en'),
    sortValue: ({ spool_depth }) => spool_depth,
  },
  {
    id: 'source',
    header: 'Configuration from',
    width: 'w-40',
    optional: true,
    cell: ({ config_source }) => (config_source ? SOURCE_WORDS[config_source] : '–'),
  },
  { id: 'error', header: 'Last error', cell: ({ last_error }) => last_error?.message ?? '–' },
]

/** What it runs, and what it should run where that differs. */
export function RunningVersion({ gateway }: { gateway: Gateway }) {
  const { configuration_name: name, running_version: running, desired_version: desired } = gateway
  if (!running) return <span className="text-fg-muted">{desired ? `Waits for ${desired}` : 'Nothing yet'}</span>
  return (
    <>
      <span className="font-mono text-xs">{running}</span>
      {desired !== running && (
        <span className="ml-1.5 text-attention-text text-xs">should run {desired ?? 'nothing'}</span>
      )}
      {desired === running && name && <span className="ml-1.5 text-fg-muted text-xs">{name}</span>}
    </>
  )
}
