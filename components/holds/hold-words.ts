import type { LegalHold } from '@/lib/contract/holds'

const day = (at: string) => new Date(at).toLocaleString('en-GB', { dateStyle: 'medium', timeStyle: 'short' })

/** Which events a hold keeps: by the time at which they occurred. */
export function coverWords({ since, until }: Pick<LegalHold, 'since' | 'until'>): string {
  if (since && until) return `${day(since)} – ${day(until)}`
  if (since) return `Everything since ${day(since)}`
  return until ? `Everything before ${day(until)}` : 'Everything'
}
