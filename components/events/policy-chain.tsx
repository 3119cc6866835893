import { VerdictBadge } from '@/components/ui/verdict-badge'
import type { DecisionEvent } from '@/lib/contract/events'
import { bytesText, countText, durationText } from './event-words'

/** The policies in the order in which they ran, each with what it looked at. */
export function PolicyChain({ event }: { event: DecisionEvent }) {
  const { policy_results, config_name, config_version } = event
  const configuration = config_name ? `${config_name} ${config_version ?? ''}`.trim() : 'the configuration'
  if (policy_results.length === 0) {
    return (
      <p className="text-fg-muted text-sm">
        No policy had a say: the chain of {configuration} is empty for this request
        {event.token_id && ', and the scope of the key allowed it'}.
      </p>
    )
  }
  return (
    <ol className="divide-y rounded-md border">
      {policy_results.map((result) => (
        <li
          key={`${result.phase} ${result.kind} ${result.coverage.rule}`}
          className="flex flex-col gap-1 px-3 py-2 text-sm"
        >
          <div className="flex flex-wrap items-center gap-2">
            <span className="font-medium">{result.kind}</span>
            <span className="text-fg-muted text-xs">{result.phase}</span>
            <VerdictBadge verdict={result.verdict} />
            <code className="font-mono text-xs">{result.reason_code}</code>
            <span className="ml-auto text-fg-muted text-xs tabular-nums">{durationText(result.latency_ms)}</span>
          </div>
          <Coverage coverage={result.coverage} />
        </li>
      ))}
    </ol>
  )
}

function Coverage({ coverage }: { coverage: DecisionEvent['policy_results'][number]['coverage'] }) {
  const { rule, rule_version, bytes, messages, skipped } = coverage
  return (
    <p className="text-fg-muted text-xs">
      Rule {rule} (version {rule_version}) saw {bytesText(bytes)} in {countText(messages)}{' '}
      {messages === 1 ? 'message' : 'messages'}.
      {skipped.length > 0 && ` Skipped: ${skipped.map(({ what, why }) => `${what} (${why})`).join('; ')}.`}
    </p>
  )
}
