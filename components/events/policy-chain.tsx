import { Badge } from '@/components/ui/badge'
import { VerdictBadge } from '@/components/ui/verdict-badge'
import type { DecisionEvent } from '@/lib/contract/events'
import { decisiveResult } from './decisive-result'
import { bytesText, countText, durationText } from './event-words'

type Result = DecisionEvent['policy_results'][number]

const PHASE_WORDS: Record<Result['phase'], string> = {
  input: 'on the request',
  tool: 'on tool calls',
  output: 'on the answer',
}
/** More skipped pieces than this are folded away. */
const SKIPPED_SHOWN = 3

/** The policies in the order in which they ran: what each decided and why, what it looked at, and how long it took. */
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
  const decisive = decisiveResult(event)
  const totalMs = policy_results.reduce((sum, { latency_ms }) => sum + latency_ms, 0)
  return (
    <div className="flex flex-col gap-2">
      <p className="text-fg-muted text-sm">
        {policy_results.length === 1 ? 'One result' : `${countText(policy_results.length)} results`} of {configuration},{' '}
        {durationText(totalMs)} in all.
      </p>
      <ol className="divide-y rounded-md border">
        {numbered(policy_results).map(({ key, result }) => (
          <li key={key} className="flex flex-col gap-1 px-3 py-2 text-sm">
            <div className="flex flex-wrap items-center gap-x-2 gap-y-1">
              <VerdictBadge verdict={result.verdict} />
              <span className="min-w-0 break-words font-medium">{result.kind}</span>
              {result === decisive && <Badge tone="outline">Decided</Badge>}
              <span className="ml-auto text-fg-muted text-xs tabular-nums">{durationText(result.latency_ms)}</span>
            </div>
            <p className="text-fg-muted text-xs">
              <code className="break-words font-mono text-fg">{result.reason_code}</code> {PHASE_WORDS[result.phase]} ·{' '}
              {ruleText(result)}
            </p>
            <p className="text-fg-muted text-xs">{coverageText(result.coverage)}</p>
            {result.reason_code === 'policy.error' && (
              <p className="text-attention-text text-xs">
                This policy failed; its on_error {result.verdict === 'block' ? 'refused the request' : 'let it pass'}.
              </p>
            )}
            <SkippedPieces skipped={result.coverage.skipped} />
          </li>
        ))}
      </ol>
    </div>
  )
}

/** A policy may stand in a chain more than once, also in the same phase. */
const numbered = (results: readonly Result[]) => results.map((result, index) => ({ key: `${index}`, result }))

const ruleText = ({ kind, coverage: { rule, rule_version } }: Result) =>
  rule === kind ? `version ${rule_version}` : `rule ${rule}, version ${rule_version}`

function coverageText({ bytes, messages }: Result['coverage']): string {
  if (bytes === 0 && messages === 0) return 'Read no text.'
  return `Read ${bytesText(bytes)} in ${countText(messages)} ${messages === 1 ? 'message' : 'messages'}.`
}

function SkippedPieces({ skipped }: Pick<Result['coverage'], 'skipped'>) {
  if (skipped.length === 0) return null
  const [shown, folded] = [skipped.slice(0, SKIPPED_SHOWN), skipped.slice(SKIPPED_SHOWN)]
  return (
    <div className="text-fg-muted text-xs">
      <p>Skipped:</p>
      <PieceList pieces={shown} />
      {folded.length > 0 && (
        <details>
          <summary className="cursor-pointer rounded-md">{countText(folded.length)} more</summary>
          <PieceList pieces={folded} />
        </details>
      )}
    </div>
  )
}

const PieceList = ({ pieces }: { pieces: Result['coverage']['skipped'] }) => (
  <ul className="list-disc pl-4">
    {pieces.map(({ what, why }) => (
      <li key={`${what} ${why}`} className="break-words">
        {what}: {why}
      </li>
    ))}
  </ul>
)
