import Link from 'next/link'
import { useCan } from '@/components/shell/whoami-context'
import { Callout } from '@/components/ui/callout'
import { historyPath } from './history-path'
import { UNPRICED_FILTER } from './usage-words'

type UnpricedCalloutProps = {
  /** How many requests have no known price. */
  unpriced: number
  span: { since: string; until: string }
  filter?: string
}

/** Money that nobody knows is said, never shown as zero. */
export function UnpricedCallout({ unpriced, span, filter = '' }: UnpricedCalloutProps) {
  const canPrice = useCan('org:billing')
  const canEvents = useCan('events:read')
  if (unpriced === 0) return null
  return (
    <Callout tone="warn" role="status">
      <p>
        {unpriced === 1 ? 'One request' : `${unpriced.toLocaleString('en')} requests`} used tokens whose price nobody
        knows. What {unpriced === 1 ? 'it' : 'they'} cost is in no sum on this page.
      </p>
      <p className="mt-1 flex flex-wrap gap-x-4 print:hidden">
        {canEvents && (
          <Link
            className="underline underline-offset-2"
            href={historyPath(span, filter === '' ? UNPRICED_FILTER : `${filter} ${UNPRICED_FILTER}`)}
          >
            Show {unpriced === 1 ? 'it' : 'them'}
          </Link>
        )}
        <Link className="underline underline-offset-2" href={`/settings/model-prices${canPrice ? '?set=true' : ''}`}>
          {canPrice ? 'Set a price' : 'Look at prices'}
        </Link>
      </p>
    </Callout>
  )
}
