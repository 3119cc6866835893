import { Details } from '@/components/ui/details'
import { decimalsOf, moneyText } from '@/components/ui/money'
import type { DecisionEvent } from '@/lib/contract/events'
import { isMcp } from './api-shape'
import { countText } from './event-words'

export function TokensAndCost({ event }: { event: DecisionEvent }) {
  const { tokens, event_cost_attribution: cost, cache } = event
  if (isMcp(event)) return <ToolCost cost={cost} />
  const notPriced = <span className="text-fg-muted">not priced</span>
  const parts = [cost.input_cost_usd, cost.output_cost_usd, cost.total_cost_usd]
  const decimals = decimalsOf(parts.filter((usd) => usd !== null))
  const money = (usd: string | null) =>
    usd === null || cost.price_status === 'unknown' ? notPriced : moneyText(usd, decimals)
  const isPriced = cost.price_status !== 'unknown'
  return (
    <div className="flex flex-col gap-2">
      <table className="w-full border-separate border-spacing-0 text-sm tabular-nums">
        <thead>
          <tr className="text-fg-muted text-xs">
            <th scope="col" className="border-b py-1 text-left font-medium">
              Part
            </th>
            <th scope="col" className="border-b py-1 text-right font-medium">
              Tokens
            </th>
            <th scope="col" className="border-b py-1 text-right font-medium">
              Cost, {cost.currency}
            </th>
          </tr>
        </thead>
        <tbody>
          <Row
            part="Input"
            note={tokens?.cached ? `${countText(tokens.cached)} of them cached` : null}
            count={tokens?.input}
            cost={money(cost.input_cost_usd)}
          />
          <Row
            part="Output"
            note={tokens?.reasoning ? `${countText(tokens.reasoning)} of them reasoning` : null}
            count={tokens?.output}
            cost={money(cost.output_cost_usd)}
          />
          <Row
            part="Total"
            note={null}
            count={tokens ? tokens.input + tokens.output : undefined}
            cost={money(cost.total_cost_usd)}
          />
        </tbody>
      </table>
      {tokens === null && event.attempts.length > 0 && (
        <p className="text-fg-muted text-xs">No usage was reported for this request.</p>
      )}
      {isPriced ? (
        <Details
          items={[
            ['Price book', cost.price_book_version ?? 'none'],
            ['Spend log', cost.source_spend_log_id ?? 'none'],
          ]}
        />
      ) : (
        <p className="text-fg-muted text-xs">
          {event.attempts.length === 0 && !cache.hit
            ? 'No provider was called, so there was nothing to price.'
            : `No price was known for ${event.model ?? event.model_requested ?? 'this request'} when it was recorded, so its cost is unknown, not zero.`}
        </p>
      )}
      {cache.hit && (
        <p className="text-xs">
          Answered from the cache;{' '}
          {cache.avoided_cost_usd
            ? `${moneyText(cache.avoided_cost_usd)} not spent.`
            : 'what that saved is not priced.'}
        </p>
      )}
    </div>
  )
}

/** Tools cost what the organisation says, by the call. */
function ToolCost({ cost }: { cost: DecisionEvent['event_cost_attribution'] }) {
  const isKnown = cost.total_cost_usd !== null && cost.price_status !== 'unknown'
  return (
    <div className="flex flex-col gap-2 text-sm">
      <p>
        A call to an MCP server has no tokens.{' '}
        {isKnown ? `This one cost ${moneyText(cost.total_cost_usd ?? '0')}.` : 'Nobody has said what this one costs.'}
      </p>
      {cost.source_spend_log_id !== null && (
        <Details
          items={[
            ['Price book', cost.price_book_version ?? 'none'],
            ['Spend log', cost.source_spend_log_id],
          ]}
        />
      )}
    </div>
  )
}

type RowProps = { part: string; note: string | null; count: number | undefined; cost: React.ReactNode }

const Row = ({ part, note, count, cost }: RowProps) => (
  <tr>
    <th scope="row" className="border-b py-1 text-left font-normal">
      {part}
      {note && <span className="text-fg-muted text-xs"> · {note}</span>}
    </th>
    <td className="border-b py-1 text-right">{count === undefined ? '–' : countText(count)}</td>
    <td className="border-b py-1 text-right">{cost}</td>
  </tr>
)
