import { z } from 'zod'
import type { exports as contract } from '@/lib/contract/exports'
import { AppError } from '@/lib/errors'
import { parseJson } from '@/lib/parse-json'
import { appendAudit } from '../audit/append'
import type { Actor, Context, PublicContext } from '../context'
import type { Elsewhere, FileAnswer } from '../file-answer'
import type { Input } from '../routes'
import { systemActor } from '../system'
import { inTenant } from '../tenant'
import { fileOf, recordDownload } from './download'
import { findExport, readExport } from './queries'

/**
 * What a link says, sealed: it can be neither read nor changed nor made elsewhere. `kind` keeps it apart from whatever else
 * is sealed with the same key.
 */
const Link = z.strictObject({
  kind: z.literal('export-link'),
  method: z.literal('GET'),
  org_id: z.string(),
  export_id: z.string(),
  part: z.string().optional(),
  /** Milliseconds since 1970. */
  until: z.number(),
  /** Who made it: what it opens is recorded as theirs. */
  by: z.object({ type: z.enum(['user', 'token', 'system']), id: z.string(), name: z.string() }),
})
type Link = z.infer<typeof Link>

/** A link for whatever cannot send a token, such as a spreadsheet. It opens this one file, until it is over. */
export async function linkToExport(ctx: Context, { id, part, seconds }: Input<typeof contract.link>) {
  const { actor, request, services } = ctx
  const row = await findExport(ctx, id)
  // What cannot be downloaded gets no link.
  await fileOf(ctx, row, part)
  const until = request.now.getTime() + seconds * 1_000
  const link: Link = {
    kind: 'export-link',
    method: 'GET',
    org_id: actor.orgId,
    export_id: id,
    ...(part === undefined ? {} : { part }),
    until,
    by: { type: actor.type, id: actor.id, name: actor.name },
  }
  const sealed = Buffer.from(services.sealing.seal(JSON.stringify(link)), 'base64').toString('base64url')
  const expiresAt = new Date(until).toISOString()
  await appendAudit(ctx, {
    action: 'export.linked',
    target: { type: 'export', id },
    after: { ...(part === undefined ? {} : { part }), expires_at: expiresAt },
  })
  return { url: `/v1/downloads/${sealed}`, expires_at: expiresAt }
}

/** @throws AppError `not_found` for what is no link of ours, `forbidden` for one that is over */
export async function openLink(
  { services, request }: PublicContext,
  { link }: Input<typeof contract.open>,
): Promise<FileAnswer | Elsewhere> {
  const { org_id, export_id, part, until, by } = readLink(services.sealing, link)
  const leftMs = until - request.now.getTime()
  if (leftMs <= 0) throw new AppError('forbidden', 'This link is over. Make a new one.')
  const actor: Actor = { ...systemActor(org_id), ...by, permissions: new Set() }
  return inTenant(services.db, org_id, async (tx) => {
    const row = await readExport(tx, org_id, export_id)
    if (!row) throw noSuchLink()
    const file = await fileOf({ tx, services }, row, part)
    await recordDownload({ tx, actor, request }, row, part, 'link')
    const [piece, ...more] = file.pieces ?? []
    if (!piece || more.length > 0) return file
    const location = await services.objects.signedUrl(piece.objectKey, leftMs / 1_000, { filename: file.fileName })
    return location === null ? file : { location }
  })
}

function readLink(sealing: PublicContext['services']['sealing'], link: string): Link {
  try {
    return Link.parse(parseJson(sealing.open(link)))
  } catch (cause) {
    throw noSuchLink(cause)
  }
}

const noSuchLink = (cause?: unknown) => new AppError('not_found', 'This link opens nothing.', { cause })
