import type { Gateway } from '@/lib/contract/gateways'

export const SOURCE_WORDS: Record<NonNullable<Gateway['config_source']>, string> = {
  live: 'Control plane',
  cached: 'Its own disk',
}

/** Microseconds as people read them; a dash when nothing was measured. */
export function durationWords(us: number | null): string {
  if (us === null) return '–'
  return us < 1_000 ? `${Math.round(us)} µs` : `${(us / 1_000).toFixed(1)} ms`
}

/** How far a clock is off, in words. */
export function offsetWords(ms: number | null): string {
  if (ms === null) return '–'
  const seconds = Math.abs(ms) / 1_000
  if (seconds < 0.5) return 'in step'
  return `${seconds < 10 ? seconds.toFixed(1) : Math.round(seconds).toLocaleString('en')} s ${ms > 0 ? 'ahead' : 'behind'}`
}
