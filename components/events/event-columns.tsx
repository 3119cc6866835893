import { TeamName } from '@/components/teams/team-name'
import type { Column } from '@/components/ui/data-table'
import { IdText } from '@/components/ui/id-text'
import { moneyText } from '@/components/ui/money'
import { NameText } from '@/components/ui/name-text'
import { RelativeTime } from '@/components/ui/relative-time'
import { VerdictBadge } from '@/components/ui/verdict-badge'
import type { DecisionEvent } from '@/lib/contract/events'
import { askedFor, isMcp, mcpCall, SHAPE_WORDS } from './api-shape'
import { callerText, countText, durationText, tokensTotal } from './event-words'

const none = <span className="text-fg-muted">–</span>

export const eventColumns: readonly Column<DecisionEvent>[] = [
  {
    id: 'time',
    header: 'Time',
    width: 'w-28',
    cell: (event) => <RelativeTime at={event.timestamp} focusable={false} />,
  },
  { id: 'verdict', header: 'Verdict', width: 'w-29', cell: (event) => <VerdictBadge verdict={event.verdict} /> },
  {
    id: 'reason',
    header: 'Reason',
    width: 'w-58',
    cell: (event) => <code className="font-mono text-xs">{event.reason_code}</code>,
  },
  { id: 'caller', header: 'Key or agent', cell: (event) => <Caller event={event} /> },
  { id: 'model', header: 'Model or tool', cell: (event) => <AskedFor event={event} /> },
  { id: 'provider', header: 'Provider', width: 'w-26', cell: (event) => event.provider ?? none },
  { id: 'tokens', header: 'Tokens', width: 'w-20', align: 'right', cell: (event) => <Tokens event={event} /> },
  { id: 'cost', header: 'Cost', width: 'w-28', align: 'right', cell: (event) => <Cost event={event} /> },
  {
    id: 'latency',
    header: 'Latency',
    width: 'w-24',
    align: 'right',
    cell: (event) => durationText(event.latency.total_ms),
  },
  { id: 'status', header: 'Status', width: 'w-18', align: 'right', cell: (event) => <Status event={event} /> },
  {
    id: 'team',
    header: 'Team',
    width: 'w-32',
    optional: true,
    cell: (event) => (event.team_id ? <TeamName id={event.team_id} /> : none),
  },
  { id: 'gateway', header: 'Gateway', width: 'w-36', optional: true, cell: (event) => event.gateway_id },
  { id: 'api', header: 'API', width: 'w-44', optional: true, cell: (event) => SHAPE_WORDS[event.api_shape] },
  {
    id: 'ip',
    header: 'IP address',
    width: 'w-36',
    optional: true,
    cell: (event) => <code className="font-mono text-xs">{event.client_ip}</code>,
  },
  {
    id: 'configuration',
    header: 'Configuration',
    width: 'w-40',
    optional: true,
    cell: (event) => <Configuration event={event} />,
  },
  {
    id: 'event',
    header: 'Event',
    width: 'w-44',
    optional: true,
    cell: (event) => <IdText id={event.event_id} what="event id" copy={false} />,
  },
]

function Caller({ event }: { event: DecisionEvent }) {
  const { token_name, agent_id } = event
  return (
    <span className="flex min-w-0 gap-x-1.5 max-sm:flex-wrap">
      <NameText name={callerText(event)} className="min-w-0" />
      {/* Where both do not fit it is the key that stays whole. */}
      {token_name && agent_id && <NameText name={`· ${agent_id}`} className="min-w-0 shrink-[99] text-fg-muted" />}
    </span>
  )
}

function AskedFor({ event }: { event: DecisionEvent }) {
  const asked = askedFor(event)
  if (asked === null) return none
  return (
    <>
      {asked}
      {isMcp(event) && <span className="text-fg-muted"> · MCP {mcpCall(event).server}</span>}
    </>
  )
}

function Tokens({ event }: { event: DecisionEvent }) {
  const total = tokensTotal(event)
  return total === null ? none : countText(total)
}

/** An unknown price is said, never shown as zero. */
export function Cost({ event }: { event: DecisionEvent }) {
  const { total_cost_usd, price_status } = event.event_cost_attribution
  if (total_cost_usd === null || price_status === 'unknown') {
    // Most tools cost nothing, and nobody says so of each.
    return isMcp(event) ? none : <span className="text-fg-muted">not priced</span>
  }
  return `${price_status === 'estimated' ? '≈ ' : ''}${moneyText(total_cost_usd)}`
}

const Status = ({ event: { status_code } }: { event: DecisionEvent }) => (
  <span className={status_code >= 400 ? 'font-medium text-bad-text' : undefined}>{status_code}</span>
)

const Configuration = ({ event: { config_name, config_version } }: { event: DecisionEvent }) =>
  config_name ? `${config_name} ${config_version ?? ''}` : none
