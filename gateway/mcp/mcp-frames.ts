import type { Readable } from 'node:stream'
import { readFrame, SseDecoder, type SseEvent } from '@/lib/policy/stream/sse'
import type { ByteShare } from '../byte-budget'
import { RpcInvalid, type RpcMessage, readMessages } from './json-rpc'
import { coded, notMcp } from './mcp-failure'

/**
 * The frames of a server's stream, a last one that was not ended among them.
 *
 * @throws Error `answer_too_large`, or `gateway_full` when there is no room for what has to wait
 */
export async function* framesOf(body: Readable, frameBytesMax: number, share: ByteShare): AsyncGenerator<SseEvent> {
  const decoder = new SseDecoder(frameBytesMax)
  for await (const chunk of body as AsyncIterable<Buffer>) {
    const waitingBytes = decoder.pendingBytes + chunk.length
    const frames = decoder.push(chunk)
    // The frames wait for a caller that is slower than its server.
    if (!share.hold(waitingBytes)) throw coded('gateway_full')
    for (const frame of frames) yield readFrame(frame)
    if (decoder.oversize) throw coded('answer_too_large')
    share.hold(decoder.pendingBytes)
  }
  const rest = decoder.end()
  if (rest !== null) yield readFrame(rest)
}

/** What a server said. @throws Refusal `upstream_failed` when it is no JSON-RPC */
export function readSaid(bytes: Buffer): RpcMessage[] {
  try {
    return readMessages(bytes, { batches: true })
  } catch (cause) {
    if (!(cause instanceof RpcInvalid)) throw cause
    throw notMcp(cause)
  }
}
