import { createHash, type Hash } from 'node:crypto'
import { Readable } from 'node:stream'
import { AppError } from '@/lib/errors'
import type { Services } from '../../context'
import { isUnavailable } from '../../database'
import type { JobRun } from '../../jobs/jobs'
import { objectKey } from '../../objects/object-store'
import { inTenant } from '../../tenant'
import { eraseExport } from '../erase-export'
import type { Encoder } from '../formats/encoder'
import { type FileHead, openEncoder } from '../formats/open-encoder'
import type { ExportRow, PartRow } from '../queries'
import type { ExportJob } from '../queues'
import { noTotals, type Totals, VERBATIM_BYTES } from '../rows/line-rows'
import { recordLines } from '../rows/queries'
import {
  type Begun,
  beginExport,
  completeExport,
  failExport,
  forgetPartsFrom,
  recordPart,
  reportProgress,
  reportTrouble,
} from './commands'

/** A cause that lasts longer than so many attempts, half a minute apart at the end, will last. */
const ATTEMPTS_MAX = 6
/** Even when each is only a process that stopped: whatever it is, it ends them. */
const STARTS_MAX = 200
const PROGRESS_EVERY_MS = 1_000

/** Somebody stopped or deleted the export: nothing of it may stay. */
class Stopped extends Error {}

/** Makes the file of an export, part by part. What is finished is kept over crashes; the rest is made again. */
export async function runExport(services: Services, job: ExportJob, run: JobRun): Promise<void> {
  const begun = await beginExport(services, job)
  if (!begun) return
  if (run.attempt > STARTS_MAX) return failExport(services, begun.row, 'It was begun too often without an end.')
  try {
    await writeFile(services, begun, run.signal)
  } catch (thrown) {
    if (thrown instanceof Stopped) return eraseExport(services, job)
    // The process stops, or the job was given to another: whoever goes on finds what is finished.
    if (run.signal.aborted) throw thrown
    const words = wordsOf(thrown)
    if (run.attempt < ATTEMPTS_MAX) {
      await reportTrouble(services, begun.row, `${words} Trying again.`)
      throw thrown
    }
    services.log.error({ export_id: begun.row.id, org_id: begun.row.orgId, err: thrown }, 'export failed')
    await failExport(services, begun.row, words)
  }
}

function wordsOf(thrown: unknown): string {
  if (thrown instanceof AppError) return thrown.message
  return isUnavailable(thrown)
    ? 'The database could not be read.'
    : 'Something went wrong on our side; the log says what.'
}

type File = { encoder: Encoder & { partGroups?: () => Buffer }; hash: Hash; rows: number; bytes: number }

async function writeFile(services: Services, begun: Begun, signal: AbortSignal): Promise<void> {
  const { row, plan } = begun
  const file = await reopen(services, begun, signal)
  for (let number = file.next; number < plan.length; number++) {
    const part = await writePart(services, begun, file, number, signal)
    if (!(await recordPart(services, row, part, file))) throw new Stopped()
  }
  const whole = { bytes: file.bytes, sha256: file.hash.digest('hex') }
  if (!(await completeExport(services, row, whole))) throw new Stopped()
}

/** Reads what is finished again: the checksum of the whole needs it, and what was damaged meanwhile is made anew. */
async function reopen(
  services: Services,
  { row, parts }: Begun,
  signal: AbortSignal,
): Promise<File & { next: number }> {
  let hash = createHash('sha256')
  let rows = 0
  let bytes = 0
  const kept: PartRow[] = []
  for (const part of parts) {
    const soFar = hash.copy()
    if (!(await isIntact(services, part, soFar, signal))) {
      await forgetPartsFrom(services, row, part.number)
      break
    }
    hash = soFar
    rows += part.rows
    bytes += part.bytes
    kept.push(part)
  }
  const groups = kept.flatMap(({ rowGroups }) => rowGroups ?? [])
  const encoder = openEncoder(row, headOf(row), { rows, bytes }, groups)
  return { encoder, hash, rows, bytes, next: kept.length + 1 }
}

async function isIntact({ objects }: Services, part: PartRow, whole: Hash, signal: AbortSignal): Promise<boolean> {
  const own = createHash('sha256')
  try {
    for await (const chunk of (await objects.get(part.objectKey)) as AsyncIterable<Buffer>) {
      signal.throwIfAborted()
      own.update(chunk)
      whole.update(chunk)
    }
  } catch (thrown) {
    if (thrown instanceof AppError && thrown.code === 'not_found') return false
    throw thrown
  }
  return own.digest('hex') === part.sha256
}

const headOf = ({ id, type, createdAt, since, until, filter, throughSeq }: ExportRow): FileHead => ({
  export_id: id,
  type,
  created_at: createdAt,
  time_range: { since, until },
  filter,
  through_seq: throughSeq,
})

/** Until then it may still read: the transaction it reads in must not end before, nor be another's. */
function closed(source: Readable): Promise<void> {
  return new Promise((resolve) => {
    if (source.closed) return resolve()
    source.once('close', resolve)
    source.destroy()
  })
}

/** Part `number`, from 1, goes from one cut of the plan to the next. */
async function writePart(services: Services, begun: Begun, file: File, number: number, signal: AbortSignal) {
  const { row, plan } = begun
  const since = plan[number - 1] ?? row.since
  const until = plan[number] ?? row.until
  const key = objectKey(row.orgId, 'exports', row.id, `part-${String(number).padStart(5, '0')}`)
  // Of the first part, the checksum of the file so far is its own.
  const own = number === 1 ? undefined : createHash('sha256')
  let bytes = 0
  let totals: Totals | undefined
  const counted = (piece: Uint8Array) => {
    own?.update(piece)
    file.hash.update(piece)
    bytes += piece.length
    return piece
  }
  const stopped = new AbortController()
  const stop = AbortSignal.any([signal, stopped.signal])

  await inTenant(services.db, row.orgId, async (tx) => {
    const pieces = async function* () {
      if (number === 1) yield counted(file.encoder.begin())
      const isVerbatim = row.format === 'json_lines' && row.fields === null
      const lines = recordLines(tx, { ...begun.selection, since, until }, isVerbatim ? VERBATIM_BYTES : undefined)
      let reportedMs = performance.now()
      let rows = 0
      try {
        for (;;) {
          const { done, value } = await lines.next()
          if (done) {
            totals = value
            break
          }
          rows += value.rows
          const piece = file.encoder.rows(value)
          if (piece.length > 0) yield counted(piece)
          if (performance.now() - reportedMs < PROGRESS_EVERY_MS) continue
          reportedMs = performance.now()
          const goesOn = await reportProgress(services, row, { rows: file.rows + rows, bytes: file.bytes + bytes })
          if (!goesOn) stopped.abort(new Stopped())
          stop.throwIfAborted()
        }
      } finally {
        // Whoever writes may give up in the middle, such as a disk without room: the connection must be free again.
        await lines.return(noTotals())
      }
      yield counted(file.encoder.endPart())
      if (number === plan.length - 1) yield counted(file.encoder.end())
    }
    const source = Readable.from(pieces(), { highWaterMark: 2 })
    try {
      await services.objects.put(key, source, { signal: stop })
    } catch (thrown) {
      if (stopped.signal.aborted) throw new Stopped()
      throw thrown
    } finally {
      await closed(source)
    }
  })
  if (!totals) throw new Error('a part was written without its totals')
  file.rows += totals.rows
  file.bytes += bytes
  const { rows, costNanoUsd, unpriced, seqFirst, seqLast } = totals
  const rowGroups = file.encoder.partGroups?.() ?? null
  const sha256 = (own ?? file.hash.copy()).digest('hex')
  return {
    number,
    since,
    until,
    rows,
    bytes,
    costNanoUsd,
    unpriced,
    seqFirst,
    seqLast,
    sha256,
    objectKey: key,
    rowGroups,
  }
}
