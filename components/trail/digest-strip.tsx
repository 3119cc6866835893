import type { TrailDigestSummary } from '@/lib/contract/trail-shapes'
import { type DigestGap, gapWords } from './digest-gaps'
import { countWords, timeWords } from './trail-words'

type DigestStripProps = {
  /** Newest first. */
  digests: readonly TrailDigestSummary[]
  gaps: readonly DigestGap[]
  /** Milliseconds since 1970. */
  from: number
  until: number
  openId: string | null
}

/** More bars than this would be thinner than a pixel each: what is unbroken is drawn as one then. */
const BARS_MAX = 400

/** The range as a line: what digests cover, what is missing in red, and what no digest covers yet left empty. */
export function DigestStrip({ digests, gaps, from, until, openId }: DigestStripProps) {
  const share = (at: number) => (100 * (Math.min(Math.max(at, from), until) - from)) / Math.max(1, until - from)
  const box = (since: string, end: string) => {
    const left = share(Date.parse(since))
    return { left: `${left}%`, width: `${Math.max(share(Date.parse(end)) - left, 0)}%` }
  }
  const [first, last] = [timeWords(new Date(from).toISOString()), timeWords(new Date(until).toISOString())]
  const missing = gaps.length === 0 ? 'none is missing' : `missing: ${gaps.map(gapWords).join(', ')}`
  const words = `${countWords(digests.length)} ${digests.length === 1 ? 'digest' : 'digests'} between ${first} and ${last}; ${missing}.`
  return (
    <figure className="flex flex-col gap-1">
      <div role="img" aria-label={words} className="relative h-9 overflow-hidden rounded-md border bg-sunken">
        {barsOf(digests).map((bar, i) => (
          <div
            key={bar.id}
            title={bar.title}
            style={box(bar.since, bar.until)}
            className={`absolute inset-y-0 min-w-0.5 ${bar.id === openId ? 'bg-accent' : i % 2 === 0 ? 'bg-ok' : 'bg-ok/75'}`}
          />
        ))}
        {gaps.map((gap) => (
          <div
            key={gap.id}
            title={`Missing: ${gapWords(gap)}`}
            style={box(gap.since, gap.until)}
            className="absolute inset-y-0 min-w-1 bg-[repeating-linear-gradient(135deg,var(--danger)_0_6px,var(--danger-soft)_6px_12px)]"
          />
        ))}
      </div>
      <figcaption className="flex flex-wrap justify-between gap-2 text-fg-muted text-xs">
        <span>{first}</span>
        <span>
          {words.slice(0, words.indexOf(' between'))}, {missing}
        </span>
        <span>{last}</span>
      </figcaption>
    </figure>
  )
}

type Bar = { id: string; since: string; until: string; title: string }

function barsOf(digests: readonly TrailDigestSummary[]): Bar[] {
  const bars: (Bar & { first: number })[] = []
  for (const { digest_id, number, period_start, period_end, event_count } of digests) {
    const newer = bars.at(-1)
    if (newer && digests.length > BARS_MAX && newer.first === number + 1) {
      Object.assign(newer, { first: number, since: period_start, title: `From digest ${number} on` })
      continue
    }
    const title = `Digest ${number}: ${countWords(event_count)} records, to ${timeWords(period_end)}`
    bars.push({ id: digest_id, first: number, since: period_start, until: period_end, title })
  }
  return bars
}
