import type { ExportFormat, ExportSchedule, ExportState, ExportSummary, ExportType } from '@/lib/contract/export-shapes'

export const TYPE_WORDS: Record<ExportType, string> = {
  events: 'Events',
  activity: 'Activity',
  escalations: 'Escalations',
}

export const FORMAT_WORDS: Record<ExportFormat, string> = {
  json: 'JSON',
  json_lines: 'JSON Lines',
  csv: 'CSV',
  parquet: 'Parquet',
}

export const STATE_WORDS: Record<ExportState, string> = {
  queued: 'Waiting',
  running: 'Running',
  completed: 'Ready',
  failed: 'Failed',
  cancelled: 'Cancelled',
  expired: 'Expired',
}

export const EVERY_WORDS: Record<ExportSchedule['every'], string> = {
  day: 'Every day',
  week: 'Every week',
  month: 'Every month',
}

const UNITS = ['B', 'kB', 'MB', 'GB', 'TB'] as const

/** Bytes in steps of a thousand: `1.5 MB`. */
export function bytesWords(bytes: number): string {
  const step = Math.min(Math.floor(Math.log10(Math.max(bytes, 1)) / 3), UNITS.length - 1)
  return `${step === 0 ? bytes : (bytes / 1_000 ** step).toFixed(1)} ${UNITS[step]}`
}

export const countWords = (count: number): string => count.toLocaleString('en')

const RANGE = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeStyle: 'short' })

/** `1 May 2026, 02:00 – 1 Jun 2026, 02:00`, in the viewer's zone; a day that both have is named once. */
export const rangeWords = ({ since, until }: Pick<ExportSummary, 'since' | 'until'>): string =>
  RANGE.formatRange(Date.parse(since), Date.parse(until))

/** Dollars exactly as they were recorded, without zeros that say nothing: `0.0184`. At least two decimals. */
export function dollarsWords(usd: string | null): string {
  if (usd === null) return '–'
  const [whole = '0', fraction = ''] = usd.split('.')
  return `$${whole}.${fraction.replace(/0+$/, '').padEnd(2, '0')}`
}

/** Between none and all of the rows, for a bar. */
export const shareDone = ({ rows_done, rows_total }: Pick<ExportSummary, 'rows_done' | 'rows_total'>): number | null =>
  rows_total ? Math.min(rows_done / rows_total, 1) : null

export const isUnderWay = ({ state }: Pick<ExportSummary, 'state'>): boolean =>
  state === 'queued' || state === 'running'
