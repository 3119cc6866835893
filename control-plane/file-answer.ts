import { namesEtag } from './etag'
import type { ByteRange } from './objects/object-store'

/** Bytes that an operation answers with. They are read after its transaction, so that no reader holds a connection. */
export type FileAnswer = {
  fileName: string
  mediaType: string
  /** In bytes; null when only the end will tell. Ranges need it. */
  size: number | null
  /** In hex; becomes the ETag. Null where nothing is known before the end. */
  sha256: string | null
  /** Both ends of the range are included. Ends early when the signal does. */
  read: (range: ByteRange | undefined, signal: AbortSignal) => AsyncIterable<Uint8Array>
  /** Called in the transaction of the request, before any byte is sent; not for answers that carry none. */
  record?: () => Promise<void>
}

/** Where the bytes are, when somebody else serves them. */
export type Elsewhere = { location: string; record?: () => Promise<void> }

/**
 * A file as HTTP carries it: conditions and one range (RFC 9110 sections 13 and 14). Several ranges at once are answered
 * with the whole, which section 14.2 allows.
 */
export async function fileResponse(
  answer: FileAnswer | Elsewhere,
  raw: Request,
  status: number,
  closing: AbortSignal,
): Promise<Response> {
  if ('location' in answer) {
    await answer.record?.()
    return new Response(null, { status: 302, headers: { location: answer.location, 'cache-control': 'no-store' } })
  }
  const { fileName, mediaType, size, sha256, record } = answer
  const etag = sha256 === null ? null : `"${sha256}"`
  const headers = new Headers({
    'content-type': mediaType,
    'content-disposition': `attachment; filename="${fileName.replace(/[^A-Za-z0-9._-]/g, '_')}"`,
    // Nothing on the way may change the bytes that the checksum is about.
    'cache-control': 'no-store, no-transform',
    'x-content-type-options': 'nosniff',
  })
  if (etag) headers.set('etag', etag)
  if (size === null) {
    await record?.()
    return new Response(streamOf(answer, undefined, closing), { status, headers })
  }

  headers.set('accept-ranges', 'bytes')
  const known = raw.headers.get('if-none-match')
  if (etag && known !== null && namesEtag(known, etag)) return new Response(null, { status: 304, headers })
  const range = rangeOf(raw, size, etag)
  if (range === 'unsatisfiable') {
    headers.set('content-range', `bytes */${size}`)
    headers.set('content-length', '0')
    return new Response(null, { status: 416, headers })
  }
  await record?.()
  if (!range) {
    headers.set('content-length', String(size))
    return new Response(streamOf(answer, undefined, closing), { status, headers })
  }
  headers.set('content-range', `bytes ${range.start}-${range.end}/${size}`)
  headers.set('content-length', String(range.end - range.start + 1))
  return new Response(streamOf(answer, range, closing), { status: 206, headers })
}

/** The range that is asked for; undefined for all of it, also when the range is not one that we understand. */
function rangeOf(raw: Request, size: number, etag: string | null): Required<ByteRange> | 'unsatisfiable' | undefined {
  const match = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(raw.headers.get('range')?.trim() ?? '')
  if (!match) return undefined
  // What was begun of another file must not be gone on with: then all of it is sent (RFC 9110 section 13.1.5).
  const condition = raw.headers.get('if-range')
  if (condition !== null && condition !== etag) return undefined
  const [, first = '', last = ''] = match
  if (first === '') {
    if (last === '') return undefined
    const length = Math.min(Number(last), size)
    return length === 0 ? 'unsatisfiable' : { start: size - length, end: size - 1 }
  }
  const start = Number(first)
  const end = last === '' ? size - 1 : Math.min(Number(last), size - 1)
  if (last !== '' && Number(last) < start) return undefined
  return start >= size ? 'unsatisfiable' : { start, end }
}

/** Opened when the first byte is asked for, and at the reader's pace. */
function streamOf(
  { read }: FileAnswer,
  range: ByteRange | undefined,
  closing: AbortSignal,
): ReadableStream<Uint8Array> {
  const gone = new AbortController()
  let chunks: AsyncIterator<Uint8Array> | undefined
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        chunks ??= read(range, AbortSignal.any([gone.signal, closing]))[Symbol.asyncIterator]()
        const { done, value } = await chunks.next()
        if (done) controller.close()
        else controller.enqueue(value)
      },
      async cancel(reason) {
        gone.abort(reason)
        await chunks?.return?.()
      },
    },
    { highWaterMark: 0 },
  )
}
