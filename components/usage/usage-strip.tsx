import { useCan } from '@/components/shell/whoami-context'
import { moneyText } from '@/components/ui/money'
import { Skeleton } from '@/components/ui/skeleton'
import { Stat } from '@/components/ui/stat'
import { historyPath } from './history-path'
import { againstText, amountOf, changeOf, MEASURE_WORDS, MEASURES, type Measure } from './usage-words'
import type { Usage } from './use-usage'

/** The sums of the page, each with its change against the time of the same length before, and a way to its rows. */
export function UsageStrip({ state: { answer, filter } }: { state: Usage }) {
  const canEvents = useCan('events:read')
  const data = answer.data
  const href = data && canEvents ? historyPath(data, filter) : undefined
  const change = (measure: Measure) =>
    data?.previous && againstText(changeOf(amountOf(data.total, measure), amountOf(data.previous, measure)))
  const value = (measure: Measure) => {
    if (!data) return <Skeleton className="my-1 w-20" />
    return measure === 'cost' ? moneyText(data.total.cost_usd) : amountOf(data.total, measure).toLocaleString('en')
  }
  return (
    <div className="grid grid-cols-2 gap-2 lg:grid-cols-4">
      {MEASURES.map((measure) => (
        <Stat
          key={measure}
          label={measure === 'cost' ? 'Cost in US dollars' : MEASURE_WORDS[measure]}
          value={value(measure)}
          note={change(measure)}
          {...(href ? { href } : {})}
        />
      ))}
      <Stat
        label="Answered from the cache"
        value={data ? data.total.cache_hits.toLocaleString('en') : <Skeleton className="my-1 w-20" />}
        note={data && `${data.total.errors.toLocaleString('en')} answered with an error`}
        {...(data && canEvents ? { href: historyPath(data, `${filter} cache_hit=true`.trim()) } : {})}
      />
    </div>
  )
}
