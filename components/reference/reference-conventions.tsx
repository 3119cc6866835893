import { CodeBlock } from '@/components/ui/code-block'
import { RichWords } from './rich-words'

const CONVENTIONS: [term: string, words: string][] = [
  [
    'Authentication',
    'An access key as a bearer token: `Authorization: Bearer kt_ak_...`. Each endpoint names the one permission it needs.',
  ],
  [
    'Input',
    'GET takes its input in the query, POST and PATCH as a JSON object; what the path names is not repeated. Unknown fields are refused.',
  ],
  [
    'Lists',
    '`{"items": [...], "next_cursor": ...}`, newest first. Pass `next_cursor` as `cursor` for the next page; it is null on the last one.',
  ],
  ['Times', 'RFC 3339 in UTC. `since` and `until` also take how long ago: `30s`, `15m`, `24h`, `7d`, `2w`.'],
  [
    'Repeats',
    'Endpoints that create take an `Idempotency-Key`, so that a request whose answer was lost can be sent again safely.',
  ],
  ['Requests', 'Every answer carries `x-request-id`: your own, when you send one, else a new one.'],
]

const EXAMPLE = `curl -fsS \\
-H "Authorization: Bearer $KEEPTRUSTS_API_TOKEN" \\
"$KEEPTRUSTS_API_URL/v1/events?since=24h&limit=50"`

/** What holds for every endpoint. */
export function ReferenceConventions() {
  return (
    <section aria-labelledby="conventions" className="flex min-w-0 flex-col gap-3">
      <h2 id="conventions" className="scroll-mt-16 font-semibold text-lg">
        Conventions
      </h2>
      <dl className="grid gap-x-4 gap-y-2 rounded-md border bg-surface p-3 text-sm md:grid-cols-[8rem_1fr]">
        {CONVENTIONS.map(([term, words]) => (
          <div key={term} className="contents">
            <dt className="text-fg-muted">{term}</dt>
            <dd className="min-w-0 max-w-3xl break-words">
              <RichWords text={words} />
            </dd>
          </div>
        ))}
      </dl>
      <CodeBlock code={EXAMPLE} what="first request" />
    </section>
  )
}
