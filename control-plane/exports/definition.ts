import type { ExportFormat, ExportType } from '@/lib/contract/export-shapes'
import { resolveWhen } from '@/lib/contract/fields'
import { AppError } from '@/lib/errors'
import { assertMaySeeActivity } from '../activity/queries'
import type { Actor, Context } from '../context'
import { toInstant } from '../instant'
import { selectedFields } from './columns'
import { checkFilter } from './rows/queries'

const DAY_MS = 86_400_000
const RANGE_DAYS_MAX = 400

type Asked = {
  type: ExportType
  format: ExportFormat
  filter: string
  fields?: string[] | undefined
  without_fields?: string[] | undefined
  purpose: string
}

/** What goes into an export and how it is written, checked. */
export type Definition = {
  type: ExportType
  format: ExportFormat
  filter: string
  fields: string[] | null
  purpose: string
  teamId: string | null
}

/** @throws AppError `forbidden`, `invalid_filter` or `invalid_request` */
export function definitionOf(actor: Actor, asked: Asked): Definition {
  checkMayExport(actor, asked.type)
  checkFilter(asked.type, asked.filter)
  return {
    type: asked.type,
    format: asked.format,
    filter: asked.filter,
    fields: selectedFields(asked.type, asked),
    purpose: asked.purpose,
    teamId: teamOf(actor),
  }
}

/** The only team whose rows an actor may export; null for all. */
export function teamOf({ scope, teamId }: Actor): string | null {
  if (scope === 'org') return null
  if (teamId === null) throw new AppError('forbidden', 'This key belongs to a team that is not known.')
  return teamId
}

function checkMayExport(actor: Actor, type: ExportType): void {
  if (type !== 'activity') return
  if (!actor.permissions.has('activity:export')) {
    throw new AppError('forbidden', 'This needs the permission activity:export.')
  }
  assertMaySeeActivity(actor)
}

/** @throws AppError `invalid_request` for a range that is empty or too long */
export function rangeOf(
  { request }: Pick<Context, 'request'>,
  window: string | { since: string; until?: string | undefined },
): { since: string; until: string } {
  const { since, until } = typeof window === 'string' ? { since: window, until: undefined } : window
  const from = resolveWhen(since, request.now)
  const to = until === undefined ? request.now : resolveWhen(until, request.now)
  if (from >= to) throw new AppError('invalid_request', 'since must be before until.')
  if (to.getTime() - from.getTime() > RANGE_DAYS_MAX * DAY_MS) {
    throw new AppError('invalid_request', `The range may span ${RANGE_DAYS_MAX} days.`)
  }
  return { since: toInstant(from), until: toInstant(to) }
}
