import { Badge } from '@/components/ui/badge'
import type { Endpoint } from '@/lib/contract/endpoint'
import { type Field, fieldsOf } from './field-words'
import { RichWords } from './rich-words'

/** What an endpoint takes: name, place, type, bounds. */
export function FieldList({ endpoint }: { endpoint: Endpoint }) {
  const fields = fieldsOf(endpoint)
  if (fields.length === 0) return <p className="text-fg-muted text-sm">No input.</p>
  return (
    <ul className="divide-y rounded-md border" aria-label={`Input of ${endpoint.name}`}>
      {fields.map((field) => (
        <li key={field.name} className="grid gap-x-4 gap-y-1 p-2.5 text-sm md:grid-cols-[15rem_1fr]">
          <p className="flex flex-wrap items-center gap-1.5">
            <span className="break-all font-mono text-xs">{field.name}</span>
            <Badge tone="outline">{field.place}</Badge>
            {field.required && <Badge tone="info">required</Badge>}
          </p>
          <FieldWords field={field} />
        </li>
      ))}
    </ul>
  )
}

function FieldWords({ field: { type, values, rules, pattern, words } }: { field: Field }) {
  return (
    <div className="min-w-0">
      {words && (
        <p>
          <RichWords text={words} />
        </p>
      )}
      <p className={words ? 'text-fg-muted' : undefined}>{[type, ...rules].join(' · ')}</p>
      {values.length > 0 && (
        <p className="break-words font-mono text-fg-muted text-xs leading-5">{values.join(' | ')}</p>
      )}
      {pattern && <p className="break-all font-mono text-fg-muted text-xs leading-5">{pattern}</p>}
    </div>
  )
}
