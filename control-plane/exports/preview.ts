import type { exports as contract } from '@/lib/contract/exports'
import { AppError } from '@/lib/errors'
import { usdOfNano } from '@/lib/money'
import type { Context } from '../context'
import type { Input } from '../routes'
import { type Definition, definitionOf, rangeOf } from './definition'
import { openEncoder } from './formats/open-encoder'
import type { Selection } from './rows/queries'
import { countRows, sampleLines } from './totals/queries'

const SAMPLED_ROWS = 100

/** What an export would hold. */
export const previewExport = (ctx: Context, input: Input<typeof contract.preview>) =>
  preview(ctx, definitionOf(ctx.actor, input), rangeOf(ctx, input.time_window))

/** The same, asked in a query string, which has no objects. */
export function previewExportOf(ctx: Context, input: Input<typeof contract.previewOf>) {
  const { since, until, time_window } = input
  if ((since === undefined) === (time_window === undefined)) {
    throw new AppError('invalid_request', 'Give either since, with until if you like, or time_window.')
  }
  return preview(
    ctx,
    definitionOf(ctx.actor, { ...input, purpose: '' }),
    rangeOf(ctx, { since: since ?? time_window ?? '', until }),
  )
}

async function preview({ tx, actor }: Context, definition: Definition, range: { since: string; until: string }) {
  const { type, teamId, filter } = definition
  const selection: Selection = {
    orgId: actor.orgId,
    type,
    teamId,
    filter,
    ...range,
    throughSeq: Number.MAX_SAFE_INTEGER,
  }
  const { rows, costNanoUsd, unpriced, exact } = await countRows(tx, selection)
  const lines = rows === 0 ? [] : await sampleLines(tx, selection, SAMPLED_ROWS)
  return {
    ...range,
    rows,
    cost_usd: usdOfNano(costNanoUsd),
    unpriced,
    bytes_estimated: Math.round(rows * bytesPerRow(definition, lines)),
    accuracy: exact ? ('exact' as const) : ('at_most' as const),
  }
}

/** As the format writes a few of them; Parquet packs many much better than few, by what was measured for a million. */
function bytesPerRow(definition: Definition, lines: string[]): number {
  if (lines.length === 0) return 0
  const head = {
    export_id: null,
    type: definition.type,
    created_at: '',
    time_range: { since: '', until: '' },
    filter: '',
    through_seq: 0,
  }
  const asText = definition.format === 'parquet' ? { ...definition, format: 'csv' as const } : definition
  const encoder = openEncoder(asText, head)
  const bytes = encoder.rows({ bytes: Buffer.from(`${lines.join('\n')}\n`), rows: lines.length })
  return (bytes.length / lines.length) * (definition.format === 'parquet' ? PARQUET_OF_CSV : 1)
}

const PARQUET_OF_CSV = 0.25
