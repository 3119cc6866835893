'use client'

import { useQuery } from '@tanstack/react-query'
import { ListTree } from 'lucide-react'
import Link from 'next/link'
import { useCan } from '@/components/shell/whoami-context'
import { Button } from '@/components/ui/button'
import { Callout } from '@/components/ui/callout'
import { CodeBlock } from '@/components/ui/code-block'
import { CopyAsMenu } from '@/components/ui/copy-as-menu'
import { Details } from '@/components/ui/details'
import { ErrorState } from '@/components/ui/error-state'
import { IdText } from '@/components/ui/id-text'
import { RelativeTime } from '@/components/ui/relative-time'
import { Sheet } from '@/components/ui/sheet'
import { Skeleton } from '@/components/ui/skeleton'
import type { Gateway } from '@/lib/contract/gateways'
import { RunningVersion } from './gateway-columns'
import { gatewayQueries } from './gateway-queries'
import { GatewayStatus } from './gateway-status'
import { durationWords, offsetWords, SOURCE_WORDS } from './gateway-words'
import { MissingEvents } from './missing-events'

type GatewaySheetProps = { id: string | null; onClose: () => void }

export function GatewaySheet({ id, onClose }: GatewaySheetProps) {
  const { data: gateway, error, refetch } = useQuery({ ...gatewayQueries.get(id ?? ''), enabled: id !== null })
  return (
    <Sheet
      open={id !== null}
      onClose={onClose}
      title={gateway?.name ?? 'Gateway'}
      subtitle={
        gateway && (
          <>
            <GatewayStatus status={gateway.status} />
            <IdText id={gateway.id} what="gateway id" />
          </>
        )
      }
    >
      {gateway ? (
        <GatewayDetail gateway={gateway} />
      ) : error ? (
        <ErrorState error={error} onRetry={() => void refetch()} />
      ) : (
        <Skeleton className="h-48" />
      )}
    </Sheet>
  )
}

function GatewayDetail({ gateway }: { gateway: Gateway }) {
  const canSeeEvents = useCan('events:read')
  const isNew = gateway.status === 'pending'
  const { last_error: lastError, configuration_id: configurationId } = gateway
  return (
    <div className="flex flex-col gap-6">
      {lastError && (
        <Callout tone={gateway.status === 'healthy' ? 'warn' : 'danger'}>
          <p className="font-medium">{lastError.message}</p>
          <p className="mt-0.5 text-xs">
            <code className="font-mono">{lastError.code}</code>, <RelativeTime at={lastError.at} />
          </p>
        </Callout>
      )}
      <div className="flex flex-wrap gap-2">
        {canSeeEvents && (
          <Button asChild size="sm">
            <Link href={`/history?filter=${encodeURIComponent(`gateway_id=${gateway.id}`)}`}>
              <ListTree /> Its decisions
            </Link>
          </Button>
        )}
        <CopyAsMenu items={copyAs(gateway.id)} />
      </div>
      <Section title="Configuration">
        <Details
          items={[
            ['Runs', <RunningVersion key="runs" gateway={gateway} />],
            [
              'Assigned',
              configurationId ? (
                <Link key="cfg" className="text-accent hover:underline" href={`/configurations/${configurationId}`}>
                  {gateway.configuration_name}
                </Link>
              ) : (
                'No configuration'
              ),
            ],
            ['Generation', `${gateway.running_generation} of ${gateway.desired_generation}`],
            ['Taken from', gateway.config_source ? SOURCE_WORDS[gateway.config_source] : '–'],
            ['Models', gateway.models.join(', ') || '–'],
            ['Providers', gateway.providers.join(', ') || '–'],
          ]}
        />
      </Section>
      <Section title="Connection">
        <Details
          items={[
            ['Last report', gateway.last_seen_at ? <RelativeTime key="seen" at={gateway.last_seen_at} /> : 'Never'],
            [
              'Push stream',
              gateway.stream_connected
                ? 'Connected'
                : isNew
                  ? 'Not connected'
                  : 'Not connected; changes arrive with the next poll',
            ],
            ['Keys known', isNew ? '–' : `Revision ${gateway.keys_revision}`],
            ['Clock', offsetWords(gateway.clock_offset_ms)],
            ['Software', gateway.software_version ?? '–'],
          ]}
        />
      </Section>
      <Section title="Work">
        <Details
          items={[
            ['Requests', `${gateway.requests_processed.toLocaleString('en')} since it started`],
            [
              'Overhead',
              gateway.overhead_p50_us === null
                ? '–'
                : `${durationWords(gateway.overhead_p50_us)} p50, ${durationWords(gateway.overhead_p99_us)} p99`,
            ],
            [
              'Waiting events',
              `${gateway.spool_depth.toLocaleString('en')} (${Math.ceil(gateway.spool_bytes / 1_024).toLocaleString('en')} KiB)`,
            ],
          ]}
        />
      </Section>
      {gateway.missing_events > 0 && canSeeEvents && (
        <Section title="Missing events">
          <MissingEvents gateway={gateway} />
        </Section>
      )}
      {isNew && (
        <Section title="Start it">
          <p className="text-fg-muted text-sm">
            With its key in KEEPTRUSTS_GATEWAY_TOKEN and this address in KEEPTRUSTS_API_URL, on the machine where it
            serves:
          </p>
          <CodeBlock what="command" code={`kt run --managed --gateway-id ${gateway.id}`} />
        </Section>
      )}
    </div>
  )
}

const copyAs = (id: string): Record<string, string> => ({
  kt: `kt gateway inspect ${id}`,
  curl: `curl -fsS -H "Authorization: Bearer $KEEPTRUSTS_API_TOKEN" "$KEEPTRUSTS_API_URL/v1/gateways/${encodeURIComponent(id)}"`,
})

function Section({ title, children }: { title: string; children: React.ReactNode }) {
  return (
    <section className="flex flex-col gap-2">
      <h3 className="font-medium text-sm">{title}</h3>
      {children}
    </section>
  )
}
