import type { activity as contract } from '@/lib/contract/activity'
import { appendAudit } from '../audit/append'
import type { Context, Services } from '../context'
import { lastSeq } from '../events/queries'
import type { FileAnswer } from '../file-answer'
import { toInstant } from '../instant'
import type { Input } from '../routes'
import { inTenant } from '../tenant'
import { type Definition, definitionOf, rangeOf } from './definition'
import { MEDIA_TYPES, openEncoder } from './formats/open-encoder'
import { fileNameOf } from './queries'
import { activityLines, type Selection } from './rows/queries'

/** Lines that are read at once. A slow reader holds no connection between them. */
const LINES_AT_ONCE = 1_000

/** Activity as the body of the answer, for scripts that store what they are sent. */
export async function exportActivity(ctx: Context, input: Input<typeof contract.export>): Promise<FileAnswer> {
  const { tx, actor, request, services } = ctx
  const definition = definitionOf(actor, { ...input, type: 'activity' })
  const { type, format, filter, fields, purpose, teamId } = definition
  const range = rangeOf(ctx, input)
  const selection: Selection = {
    orgId: actor.orgId,
    type,
    teamId,
    filter,
    ...range,
    throughSeq: await lastSeq(tx, actor.orgId),
  }
  const createdAt = toInstant(request.now)
  await appendAudit(ctx, {
    action: 'activity.exported',
    target: { type: 'organization', id: actor.orgId },
    after: { format, filter, fields, purpose, ...range, through_seq: selection.throughSeq },
  })
  return {
    fileName: fileNameOf({ type, format, createdAt }),
    mediaType: MEDIA_TYPES[format],
    size: null,
    sha256: null,
    read: (_range, signal) => piecesOf(services, definition, selection, createdAt, signal),
  }
}

async function* piecesOf(
  services: Services,
  definition: Definition,
  selection: Selection,
  createdAt: string,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const { type, since, until, filter, throughSeq } = selection
  const encoder = openEncoder(definition, {
    export_id: null,
    type,
    created_at: createdAt,
    time_range: { since, until },
    filter,
    through_seq: throughSeq,
  })
  yield encoder.begin()
  let after = 0
  for (;;) {
    signal.throwIfAborted()
    const rows = await inTenant(services.db, selection.orgId, (tx) =>
      activityLines(tx, selection, after, LINES_AT_ONCE),
    )
    const text = rows.map(({ line }) => `${line}\n`).join('')
    yield encoder.rows({ bytes: Buffer.from(text), rows: rows.length })
    if (rows.length < LINES_AT_ONCE) break
    after = rows.at(-1)?.seq ?? throughSeq
  }
  yield encoder.endPart()
  yield encoder.end()
}
