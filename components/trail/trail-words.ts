import type { ChainIntegrity, SinkKind, TrailSink, Verification } from '@/lib/contract/trail-shapes'

const COUNT = new Intl.NumberFormat('en')
export const countWords = (count: number): string => COUNT.format(count)

export const recordWords = (count: number): string => `${countWords(count)} ${count === 1 ? 'record' : 'records'}`

const SPANS: [unit: string, seconds: number][] = [
  ['day', 86_400],
  ['h', 3_600],
  ['min', 60],
  ['s', 1],
]

/** `3 days`, `2 h`, `5 min`, `40 s`. */
export function spanWords(seconds: number): string {
  const [unit, size] = SPANS.find(([, length]) => seconds >= length) ?? ['s', 1]
  const count = Math.floor(seconds / size)
  return `${countWords(count)} ${unit}${unit === 'day' && count !== 1 ? 's' : ''}`
}

/** `23 Apr 2026, 11:00`, in the viewer's zone. */
export const timeWords = (at: string): string =>
  new Date(at).toLocaleString('en-GB', { dateStyle: 'medium', timeStyle: 'short' })

const RANGE = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeStyle: 'short' })

/** From one time to another in the viewer's zone, with a day that both have named once. */
export const rangeWords = (since: string, until: string): string =>
  RANGE.formatRange(Date.parse(since), Date.parse(until))

export const INTEGRITY_WORDS: Record<ChainIntegrity, { label: string; sentence: string }> = {
  valid: { label: 'Valid', sentence: 'Nothing is wrong, and digests cover the whole range.' },
  invalid: { label: 'Invalid', sentence: 'The record is not what was signed. What is wrong, and where, stands below.' },
  incomplete: { label: 'Incomplete', sentence: 'Nothing is wrong in what is there, but it does not cover the range.' },
  no_data: { label: 'No data', sentence: 'No digest covers any of this range, so nothing can be said about it.' },
}

export const STATE_WORDS: Record<Verification['state'], string> = {
  queued: 'Waiting',
  running: 'Running',
  done: 'Done',
  failed: 'Failed',
  cancelled: 'Cancelled',
}

export const SINK_WORDS: Record<SinkKind, { label: string; about: string }> = {
  file: {
    label: 'File',
    about: 'A line per checkpoint, in a file in the data directory. Copy it elsewhere, or mount a disk there.',
  },
  webhook: { label: 'Webhook', about: 'Each checkpoint is posted to an address of yours.' },
  object_store: {
    label: 'Object store',
    about: 'Each checkpoint beside digests and exports; with object lock, nobody can take it back.',
  },
  witness: {
    label: 'Witness',
    about: 'An independent witness checks that the log only grows and signs its checkpoints (C2SP tlog-witness).',
  },
}

/** Where a sink's checkpoints go, in few words. */
export const sinkPlace = ({ kind, settings }: Pick<TrailSink, 'kind' | 'settings'>): string =>
  settings.url ??
  settings.name ??
  (settings.retain_days ? `kept for ${settings.retain_days} days` : SINK_WORDS[kind].label)
