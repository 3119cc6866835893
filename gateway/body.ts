import type { ByteShare } from './byte-budget'
import { Refusal } from './errors'
import type { CallerRequest } from './http/caller-http'

/** Beyond this many times the limit, a body is not even read to be thrown away. */
const DISCARD_FACTOR = 4

/** There is no room for so many bytes more (`ByteShare`). */
export const overloaded = (closesConnection = false) =>
  new Refusal('overloaded', 'This gateway holds as much as it can right now.', {
    retryAfterSeconds: 1,
    closesConnection,
  })

/**
 * Reads the whole body, in memory. One that is too large is read on and thrown away for a while, so that a caller that
 * is still sending gets to see the refusal instead of a broken connection.
 *
 * @param done called at most once; not at all when the caller leaves before the end
 * @param share what the body is taken from; its owner gives it back
 */
export function readBody(
  request: CallerRequest,
  bytesMax: number,
  done: (body: Buffer | Refusal) => void,
  share?: ByteShare,
): void {
  const tooLarge = () =>
    new Refusal('body_too_large', `The body may have at most ${bytesMax} bytes.`, { closesConnection: true })
  if (Number(request.headers['content-length'] ?? 0) > bytesMax * DISCARD_FACTOR) {
    done(tooLarge())
    return
  }
  let chunks: Buffer[] = []
  let bytes = 0
  let isDone = false
  request.on('data', (chunk: Buffer) => {
    bytes += chunk.length
    if (isDone) return
    if (bytes <= bytesMax) {
      if (share !== undefined && !share.take(chunk.length)) {
        chunks = []
        isDone = true
        done(overloaded(true))
        return
      }
      chunks.push(chunk)
      return
    }
    chunks = []
    if (bytes <= bytesMax * DISCARD_FACTOR) return
    isDone = true
    done(tooLarge())
  })
  request.on('end', () => {
    if (isDone) return
    const [only] = chunks
    done(bytes > bytesMax ? tooLarge() : chunks.length === 1 && only ? only : Buffer.concat(chunks))
  })
}
