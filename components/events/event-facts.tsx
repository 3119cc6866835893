'use client'

import { ListFilter } from 'lucide-react'
import Link from 'next/link'
import type { ReactNode } from 'react'
import { useCan } from '@/components/shell/whoami-context'
import { TeamName } from '@/components/teams/team-name'
import { Button } from '@/components/ui/button'
import { Details } from '@/components/ui/details'
import { IdText } from '@/components/ui/id-text'
import type { DecisionEvent, EventFilterField } from '@/lib/contract/events'
import type { RefusedBy } from '@/lib/contract/spend-shapes'
import { isMcp, SHAPE_WORDS } from './api-shape'

type EventFactsProps = { event: DecisionEvent; onFilter: (field: EventFilterField, value: string) => void }

/** The budgets or wallets that had no room for it; an event that none of them refused has no such line. */
const refusedBy = (all: readonly RefusedBy[], canOpen: boolean): [string, ReactNode][] =>
  all.length === 0
    ? []
    : [
        [
          'Refused by',
          <ul key="refused-by">
            {all.map(({ kind, id, name }) => (
              <li key={id}>
                {kind}{' '}
                {canOpen ? (
                  <Link href={`/${kind}s?open=${encodeURIComponent(id)}`} className="text-accent hover:underline">
                    {name}
                  </Link>
                ) : (
                  name
                )}
              </li>
            ))}
          </ul>,
        ],
      ]

/** Who called, through what, under which rules; each value picks the rows that share it. */
export function EventFacts({ event, onFilter }: EventFactsProps) {
  const canKeys = useCan('tokens:read')
  const canGateways = useCan('gateways:read')
  const canSpend = useCan('spend:read')
  const fact = (field: EventFilterField, value: string | null, shown: ReactNode = value): ReactNode =>
    value === null ? (
      <span className="text-fg-muted">none</span>
    ) : (
      <span className="flex items-start gap-1">
        <span className="min-w-0 break-words">{shown}</span>
        <Button
          variant="ghost"
          size="icon-sm"
          className="-my-0.5"
          aria-label={`Filter by ${field} ${value}`}
          title={`Filter by ${field}`}
          onClick={() => onFilter(field, value)}
        >
          <ListFilter className="size-3.5! text-fg-muted" />
        </Button>
      </span>
    )
  const key = event.token_id && (
    <>
      {canKeys ? (
        <Link
          href={`/settings/gateway-keys?open=${encodeURIComponent(event.token_id)}`}
          className="text-accent hover:underline"
        >
          {event.token_name ?? event.token_id}
        </Link>
      ) : (
        (event.token_name ?? event.token_id)
      )}
      {event.token_secret_id && (
        <span className="block text-fg-muted text-xs">
          secret <IdText id={event.token_secret_id} what="secret id" />
        </span>
      )}
    </>
  )
  const gateway = canGateways ? (
    <Link href={`/gateways?open=${encodeURIComponent(event.gateway_id)}`} className="text-accent hover:underline">
      {event.gateway_id}
    </Link>
  ) : (
    event.gateway_id
  )
  return (
    <Details
      items={[
        ['Identity', fact('identity', event.identity)],
        ['Key', fact('token_id', event.token_id, key)],
        ['Agent', fact('agent_id', event.agent_id)],
        ['Team', fact('team_id', event.team_id, event.team_id && <TeamName id={event.team_id} />)],
        ['User', fact('user_id', event.user_id)],
        [
          'IP address',
          fact('client_ip', event.client_ip, <code className="font-mono text-xs">{event.client_ip}</code>),
        ],
        [
          'Client',
          event.user_agent ?? (
            <span key="none" className="text-fg-muted">
              none
            </span>
          ),
        ],
        ['API', SHAPE_WORDS[event.api_shape]],
        [isMcp(event) ? 'Tool asked for' : 'Model asked for', fact('model_requested', event.model_requested)],
        [isMcp(event) ? 'Tool that ran' : 'Model that answered', fact('model', event.model)],
        ['Provider', fact('provider', event.provider)],
        [isMcp(event) ? 'MCP server' : 'Target', fact('target_id', event.target_id)],
        ['Gateway', fact('gateway_id', event.gateway_id, gateway)],
        [
          'Configuration',
          fact('config_name', event.config_name, `${event.config_name ?? ''} ${event.config_version ?? ''}`),
        ],
        [
          'Reason',
          fact('reason_code', event.reason_code, <code className="font-mono text-xs">{event.reason_code}</code>),
        ],
        ...refusedBy(event.spend?.refused_by ?? [], canSpend),
        ['Status', fact('status_code', String(event.status_code))],
        ['Error', fact('error_code', event.error_code)],
        [
          'Route',
          <code
            key="route"
            className="break-words font-mono text-xs"
          >{`${event.route}${event.stream ? ' (streamed)' : ''}`}</code>,
        ],
        ['Conversation', fact('conversation_id', event.conversation_id)],
        ['Request', fact('request_id', event.request_id, <IdText id={event.request_id} what="request id" />)],
        [
          'Trace',
          <code key="trace" className="break-all font-mono text-xs">
            {event.traceparent}
          </code>,
        ],
      ]}
    />
  )
}
