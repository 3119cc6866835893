import type { DecisionEvent } from '@/lib/contract/events'

const COUNT = new Intl.NumberFormat('en')
const SECONDS = new Intl.NumberFormat('en', { minimumFractionDigits: 2, maximumFractionDigits: 2 })
const SHORT_MILLIS = new Intl.NumberFormat('en', { maximumFractionDigits: 2 })
const MILLIS = new Intl.NumberFormat('en', { maximumFractionDigits: 1 })

export const countText = (count: number) => COUNT.format(count)

/** `0.03 ms`, `1.2 ms`, `120 ms`, `1.90 s`. */
export function durationText(ms: number): string {
  if (ms >= 1_000) return `${SECONDS.format(ms / 1_000)} s`
  return `${(ms < 1 ? SHORT_MILLIS : MILLIS).format(ms >= 100 ? Math.round(ms) : ms)} ms`
}

/** `120 B`, `1.2 kB`, `3.4 MB`; 1 kB is 1,000 bytes. */
export function bytesText(bytes: number): string {
  if (bytes < 1_000) return `${bytes} B`
  return bytes < 1_000_000 ? `${MILLIS.format(bytes / 1_000)} kB` : `${MILLIS.format(bytes / 1_000_000)} MB`
}

/** Who called, in the fewest words. */
export const callerText = ({ token_name, agent_id, identity }: DecisionEvent) =>
  token_name ?? agent_id ?? (identity === 'anonymous' ? 'Anonymous' : 'Unknown key')

export const tokensTotal = ({ tokens }: DecisionEvent) => (tokens ? tokens.input + tokens.output : null)
