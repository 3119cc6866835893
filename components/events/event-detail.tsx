import type { ReactNode } from 'react'
import { Callout } from '@/components/ui/callout'
import { CodeBlock } from '@/components/ui/code-block'
import { Details } from '@/components/ui/details'
import { ExactTime } from '@/components/ui/relative-time'
import { VerifyNow } from '@/components/verify/verify-now'
import type { DecisionEvent, EventFilterField } from '@/lib/contract/events'
import { AttemptWaterfall } from './attempt-waterfall'
import { EventCitations } from './event-citations'
import { EventFacts } from './event-facts'
import { EventLedger } from './event-ledger'
import { eventSummary } from './event-summary'
import { EvidenceBundle } from './evidence-bundle'
import { PayloadPanel } from './payload-panel'
import { PolicyChain } from './policy-chain'
import { TokensAndCost } from './tokens-and-cost'

type EventDetailProps = { event: DecisionEvent; onFilter: (field: EventFilterField, value: string) => void }

/** Everything that is recorded about one governed request, the decision first. */
export function EventDetail({ event, onFilter }: EventDetailProps) {
  return (
    <div className="flex flex-col gap-6">
      <p className="text-base">{eventSummary(event)}</p>
      {event.degraded && <Callout tone="warn">This record is impaired: {event.degraded}</Callout>}
      <Section title="Policy chain">
        <PolicyChain event={event} />
      </Section>
      <Section title="Attempts">
        <AttemptWaterfall event={event} />
      </Section>
      <Section title="Tokens and cost">
        <TokensAndCost event={event} />
        <EventLedger eventId={event.event_id} />
      </Section>
      <Section title="Who and where">
        <EventFacts event={event} onFilter={onFilter} />
      </Section>
      <Section title="Request and answer">
        <PayloadPanel event={event} />
      </Section>
      {event.citations.length > 0 && (
        <Section title="Citations">
          <EventCitations citations={event.citations} />
        </Section>
      )}
      <Section title="Integrity">
        <Details
          items={[
            ['Recorded', <ExactTime key="at" at={event.recorded_at} />],
            [
              'Gateway sequence',
              <code key="gateway" className="font-mono text-xs">
                {event.gateway_seq}
              </code>,
            ],
          ]}
        />
        <VerifyNow record={() => shownEvent(event)} seq={event.seq} recordedAt={event.recorded_at} />
      </Section>
      <Section title="Evidence">
        <EvidenceBundle event={event} />
      </Section>
      <Section title="Raw JSON">
        <CodeBlock code={JSON.stringify(event, null, 2)} what="event JSON" />
      </Section>
    </div>
  )
}

/** The line that was hashed is the canonical JSON of the event: of this one, if it is still the same. */
const shownEvent = async (event: DecisionEvent) => ({
  line: (await import('@/lib/trail/canonical')).canonicalJson(event),
  seq: event.seq,
})

const Section = ({ title, children }: { title: string; children: ReactNode }) => (
  <section aria-label={title} className="flex flex-col gap-2">
    <h3 className="font-medium text-sm">{title}</h3>
    {children}
  </section>
)
