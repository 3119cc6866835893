import type { DecisionEvent } from '@/lib/contract/events'
import { countText } from './event-words'

export function EventCitations({ citations }: { citations: DecisionEvent['citations'] }) {
  return (
    <ol className="divide-y rounded-md border">
      {citations.map((citation) => (
        <li key={citation.citation_id} className="flex flex-col gap-1 px-3 py-2 text-sm">
          <span className="break-words font-medium">{citation.source_reference}</span>
          <span className="text-fg-muted text-xs">
            {citation.source_type}
            {citation.relevance_score !== null && ` · relevance ${citation.relevance_score}`}
            {citation.token_contribution !== null && ` · ${countText(citation.token_contribution)} tokens`}
          </span>
          {citation.text_span && <q className="break-words text-sm">{citation.text_span}</q>}
        </li>
      ))}
    </ol>
  )
}
