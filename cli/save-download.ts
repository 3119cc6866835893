import { createHash } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { link, rename, rm } from 'node:fs/promises'
import { basename } from 'node:path'
import { Readable, Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { Download } from '@/lib/client'
import { AppError } from '@/lib/errors'
import type { Io } from './io'
import { bytesText, createProgress } from './progress'

type Options = {
  /** Where it goes: a file, `-` for stdout, or the name that the control plane gives it. */
  to: string | undefined
  /** Whether a file of that name may be replaced. */
  force: boolean
}

export type Saved = { file: string | null; bytes: number; sha256: string }

/**
 * Writes a download to a file that has its name only once all of it is there and is what its `ETag` says (SHA-256), or
 * to stdout.
 *
 * @throws AppError when the file exists, cannot be written, or is not what was announced
 */
export async function saveDownload(io: Io, download: Download, { to, force }: Options): Promise<Saved> {
  const sha256 = createHash('sha256')
  const progress = createProgress(io, 'Downloading', bytesText)
  let bytes = 0
  const counted = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      sha256.update(chunk)
      bytes += chunk.length
      progress.show(bytes, download.size)
      done(null, chunk)
    },
  })
  const body = Readable.fromWeb(download.body as import('node:stream/web').ReadableStream)
  if (to === '-') {
    await pipeline(body, counted, io.stdout, { end: false }).finally(progress.end)
    return { file: null, bytes, sha256: checked(sha256.digest('hex'), download.etag) }
  }

  // The name comes from elsewhere: it names a file here and nowhere else.
  const file = to ?? basename(download.fileName ?? 'export')
  const partial = `${file}.${process.pid}.part`
  try {
    await pipeline(body, counted, createWriteStream(partial, { flags: 'wx', mode: 0o600 })).finally(progress.end)
    const digest = checked(sha256.digest('hex'), download.etag)
    if (force) {
      await rename(partial, file)
    } else {
      // Unlike a rename, a link takes nobody's place.
      await link(partial, file)
      await rm(partial)
    }
    return { file, bytes, sha256: digest }
  } catch (cause) {
    await rm(partial, { force: true })
    const code = cause instanceof Error && 'code' in cause ? cause.code : undefined
    if (code === 'EEXIST') {
      throw new AppError('invalid_request', `${file} exists. Name another with --to, or replace it with --force.`, {
        cause,
      })
    }
    if (typeof code === 'string' && /^E[A-Z]+$/.test(code)) {
      throw new AppError('internal', `Cannot write ${file}: ${code}.`, { cause })
    }
    throw cause
  }
}

function checked(sha256: string, etag: string | null): string {
  const stated = /^"([0-9a-f]{64})"$/.exec(etag ?? '')?.[1]
  if (stated !== undefined && stated !== sha256) {
    throw new AppError(
      'internal',
      `What came has the SHA-256 ${sha256}, but ${stated} was announced. Download it again.`,
    )
  }
  return sha256
}
