import { Badge } from '@/components/ui/badge'
import { CodeBlock } from '@/components/ui/code-block'
import type { Endpoint } from '@/lib/contract/endpoint'
import { curlExample } from './curl-example'
import { FieldList } from './field-list'
import { RichWords } from './rich-words'

/** One endpoint with all that a caller needs. Its id is the operationId of the OpenAPI document. */
export function EndpointSection({ endpoint }: { endpoint: Endpoint }) {
  const { aliases, description, example, method, name, path, summary } = endpoint
  return (
    <section
      id={name}
      aria-labelledby={`${name}-title`}
      className="flex min-w-0 scroll-mt-16 flex-col gap-3 rounded-md border bg-surface p-3 lg:p-4"
    >
      <div className="flex flex-col gap-1.5">
        <h3 id={`${name}-title`} className="font-semibold text-base">
          <RichWords text={summary} />
        </h3>
        <p className="flex flex-wrap items-center gap-2">
          <Badge tone={method === 'GET' ? 'neutral' : 'info'}>{method}</Badge>
          <code className="break-all font-mono text-sm">{path}</code>
          <Badge tone="outline">{accessWords(endpoint)}</Badge>
        </p>
        {aliases.length > 0 && (
          <p className="text-fg-muted text-sm">
            Also at{' '}
            {aliases.map((alias) => (
              <code key={alias} className="break-all font-mono text-xs">
                {alias}
              </code>
            ))}
          </p>
        )}
        {description !== summary && (
          <p className="max-w-3xl text-sm">
            <RichWords text={description} />
          </p>
        )}
      </div>
      <FieldList endpoint={endpoint} />
      {notesOf(endpoint).map((note) => (
        <p key={note} className="max-w-3xl text-fg-muted text-sm">
          <RichWords text={note} />
        </p>
      ))}
      <CodeBlock code={curlExample(endpoint)} what={`request of ${name}`} />
      <details>
        <summary className="w-fit rounded-md text-fg-muted text-sm hover:text-fg">
          Example answer, status {endpoint.status}
        </summary>
        <pre className="mt-2 whitespace-pre-wrap break-words rounded-md border bg-sunken p-3 font-mono text-xs">
          {JSON.stringify(example.output, null, 2)}
        </pre>
      </details>
    </section>
  )
}

function accessWords({ access }: Endpoint): string {
  if (access === 'public') return 'no token needed'
  return access === 'signed_in' ? 'any live token' : access
}

function notesOf({ answers, bodyBytesMax, etag, idempotent, method }: Endpoint): string[] {
  const hasBody = method === 'POST' || method === 'PATCH'
  return [
    ...(idempotent
      ? [
          'Takes an `Idempotency-Key`: a repeat with the same key and input within 24 hours gets the first answer again, marked `idempotent-replayed: true`.',
        ]
      : []),
    ...(etag
      ? ['Answers with an `ETag`; sent back as `If-None-Match`, the answer is 304 while nothing has changed.']
      : []),
    ...(answers === 'events'
      ? ['Answers with server-sent events for as long as the token lives; the `data` of each is one object as below.']
      : []),
    ...(hasBody && bodyBytesMax !== 1_048_576 ? [`The body may have ${bodyBytesMax / 1_048_576} MiB.`] : []),
  ]
}
