import { hash } from 'node:crypto'
import type { evidence } from '@/lib/contract/evidence'
import { AppError } from '@/lib/errors'
import { bundleArchive, type EvidenceBundle, payloadFile } from '@/lib/trail/bundle'
import { appendAudit } from '../audit/append'
import type { Context } from '../context'
import type { FileAnswer } from '../file-answer'
import { shownPart } from '../payloads/commands'
import type { PayloadRow } from '../payloads/queries'
import type { Input } from '../routes'
import { signDigest } from '../trail/digests/commands'
import { lastDigest } from '../trail/digests/queries'
import { nativePrimitives } from '../trail/native-primitives'
import { buildBundle, eventsOfRequest, isCovered, isKept, type RecordedEvent } from './queries'

/** Reading must not make more digests than this lets it. */
const SIGN_AGAIN_MS = 60_000

export async function getEvidence(ctx: Context, input: Input<typeof evidence.get>): Promise<EvidenceBundle> {
  const recorded = await provableEvents(ctx, input.request_id)
  const options = { treeSize: input.tree_size, withContent: false }
  return (await buildBundle(ctx, input.request_id, recorded, options)).bundle
}

/** The archive is made whole before the first byte goes out: it is small, and its checksum comes first. */
export async function getEvidenceArchive(ctx: Context, input: Input<typeof evidence.archive>): Promise<FileAnswer> {
  const { request_id, tree_size, payloads_for } = input
  const withContent = payloads_for !== undefined
  if (withContent) demand(ctx, 'payloads:read')
  const recorded = await provableEvents(ctx, request_id)
  const { bundle, contents } = await buildBundle(ctx, request_id, recorded, { treeSize: tree_size, withContent })
  const archive = bundleArchive(bundle, withContent ? await readContents(ctx, contents) : new Map(), nativePrimitives)
  return {
    fileName: `evidence-${request_id}.zip`,
    mediaType: 'application/zip',
    size: archive.length,
    sha256: hash('sha256', archive, 'hex'),
    read: async function* (range) {
      yield range ? archive.subarray(range.start, (range.end ?? archive.length - 1) + 1) : archive
    },
    record: () =>
      appendAudit(ctx, {
        action: 'evidence.downloaded',
        target: { type: 'request', id: request_id },
        after: { events: recorded.length, ...(withContent ? { payloads_for } : {}) },
      }),
  }
}

/** The events of a request once a digest covers them. What is too new is signed first. */
async function provableEvents(ctx: Context, requestId: string): Promise<RecordedEvent[]> {
  demand(ctx, 'events:read')
  const recorded = await eventsOfRequest(ctx, requestId)
  const { tx, actor, services, request } = ctx
  if (await isCovered(ctx, recorded.at(-1)?.seq ?? 0)) return recorded
  const last = await lastDigest(tx, actor.orgId)
  const waitMs = last ? Date.parse(last.createdAt) + SIGN_AGAIN_MS - request.now.getTime() : 0
  if (waitMs > 0) {
    throw new AppError(
      'conflict',
      'This request is newer than the last digest, which was signed less than a minute ago.',
      {
        retryAfterSeconds: Math.ceil(waitMs / 1_000),
      },
    )
  }
  await signDigest(services, actor.orgId)
  return recorded
}

/** Whoever opens the bundle compares it with the events once more. @throws AppError `payload_modified` */
async function readContents(ctx: Context, contents: readonly PayloadRow[]): Promise<ReadonlyMap<string, Uint8Array>> {
  const bytes = new Map<string, Uint8Array>()
  for (const row of contents) {
    const content = isKept(row) ? await shownPart(ctx, row, row.commitment) : null
    if (content) bytes.set(payloadFile(row.eventId, row.part), content)
  }
  return bytes
}

function demand({ actor }: Context, permission: 'events:read' | 'payloads:read'): void {
  if (!actor.permissions.has(permission)) throw new AppError('forbidden', `This needs the permission ${permission}.`)
}
