import { hash } from 'node:crypto'
import type { exports as contract } from '@/lib/contract/exports'
import { AppError } from '@/lib/errors'
import { appendAudit } from '../audit/append'
import type { Actor, Context, RequestInfo, Services } from '../context'
import type { Transaction } from '../database'
import type { FileAnswer } from '../file-answer'
import type { ByteRange, ObjectStore } from '../objects/object-store'
import type { Input } from '../routes'
import { MEDIA_TYPES } from './formats/open-encoder'
import { type ExportRow, fileNameOf, findExport, readParts } from './queries'

/** Objects that are a file one after the other. */
type Piece = { objectKey: string; bytes: number }

/** A file of an export and the objects that it consists of; `pieces` is null for what is not an object. */
export type ExportFile = FileAnswer & { pieces: Piece[] | null }

export async function downloadExport(ctx: Context, { id, part }: Input<typeof contract.download>): Promise<FileAnswer> {
  const row = await findExport(ctx, id)
  const file = await fileOf(ctx, row, part)
  return { ...file, record: () => recordDownload(ctx, row, part) }
}

/** The whole file, one part of it, or its manifest. @throws AppError `conflict` while there is no file, `not_found` */
export async function fileOf(
  { tx, services }: { tx: Transaction; services: Services },
  row: ExportRow,
  part: string | undefined,
): Promise<ExportFile> {
  const { manifest } = row
  const name = fileNameOf(row)
  if (manifest && part === 'manifest.json') {
    const bytes = Buffer.from(`${JSON.stringify(manifest, null, 2)}\n`)
    return {
      fileName: `${name}.manifest.json`,
      mediaType: 'application/json',
      size: bytes.length,
      sha256: hash('sha256', bytes, 'hex'),
      read: (range) => once(range ? bytes.subarray(range.start, (range.end ?? bytes.length) + 1) : bytes),
      pieces: null,
    }
  }
  if (row.state !== 'completed' || !manifest) throw new AppError('conflict', whyNot(row))
  const parts = await readParts(tx, row.orgId, row.id)
  if (part === undefined) {
    return {
      fileName: name,
      mediaType: MEDIA_TYPES[row.format],
      size: manifest.bytes,
      sha256: manifest.sha256,
      read: (range, signal) => bytesOf(services.objects, parts, range, signal),
      pieces: parts,
    }
  }
  const wanted = parts.find(({ number }) => number === Number(part))
  if (!wanted) throw new AppError('not_found', 'There is no such part.')
  return {
    fileName: `${name}.part-${String(wanted.number).padStart(5, '0')}`,
    mediaType: 'application/octet-stream',
    size: wanted.bytes,
    sha256: wanted.sha256,
    read: (range, signal) => bytesOf(services.objects, [wanted], range, signal),
    pieces: [wanted],
  }
}

export const recordDownload = (
  ctx: { tx: Transaction; actor: Actor; request: RequestInfo },
  { id, type, format, purpose }: ExportRow,
  part: string | undefined,
  over?: 'link',
): Promise<void> =>
  appendAudit(ctx, {
    action: 'export.downloaded',
    target: { type: 'export', id },
    after: { type, format, purpose, ...(part === undefined ? {} : { part }), ...(over ? { over } : {}) },
  })

function whyNot({ state, error }: ExportRow): string {
  switch (state) {
    case 'queued':
    case 'running':
      return `This export is ${state}; its file is not there yet.`
    case 'failed':
      return `This export has failed: ${error ?? 'the log says why.'}`
    case 'expired':
      return 'The files of this export were deleted when its time was over. Its manifest is still there.'
    default:
      return `This export was ${state}.`
  }
}

/** What lies in a range of objects that are one after the other, each opened when its turn comes. */
async function* bytesOf(
  objects: ObjectStore,
  pieces: Piece[],
  range: ByteRange | undefined,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const first = range?.start ?? 0
  const last = range?.end ?? Number.POSITIVE_INFINITY
  let start = 0
  for (const { objectKey, bytes } of pieces) {
    const end = start + bytes - 1
    if (bytes > 0 && end >= first && start <= last) {
      const isAll = first <= start && last >= end
      const within = { start: Math.max(first - start, 0), end: Math.min(last, end) - start }
      const stream = await objects.get(objectKey, isAll ? undefined : within)
      try {
        for await (const chunk of stream as AsyncIterable<Uint8Array>) {
          signal.throwIfAborted()
          yield chunk
        }
      } finally {
        stream.destroy()
      }
    }
    start = end + 1
  }
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes
}
