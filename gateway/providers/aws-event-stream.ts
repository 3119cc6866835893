import { crc32 } from 'node:zlib'
import { type ProviderEvent, unreadable } from './adapter'

/** What Amazon itself puts in one message at most is 24 MB of payload and 128 KB of headers. */
const MESSAGE_BYTES_MAX = 25_296_896
const PRELUDE_BYTES = 12
const CRC_BYTES = 4
const STRING_TYPE = 7
/** Bytes of a value by its type: true, false, byte, short, int, long; then bytes and string, with a length; time, uuid. */
const VALUE_BYTES = [0, 0, 1, 2, 4, 8, null, null, 8, 16] as const

/**
 * Reads messages of `application/vnd.amazon.eventstream`: total length, length of headers, checksum of both, headers,
 * payload, checksum of all. Source: docs.aws.amazon.com, "Event stream encoding"; Smithy 2.0 specification.
 *
 * An exception is given as an event with its type, so that the reader of the provider decides what it means.
 */
export class AwsEventStream {
  #pending: Buffer[] = []
  #pendingBytes = 0
  #wanted = PRELUDE_BYTES

  get pendingBytes(): number {
    return this.#pendingBytes
  }

  /** @throws ProviderFault when a checksum or a length is wrong: nothing after that could be trusted */
  push(bytes: Buffer): ProviderEvent[] {
    this.#pending.push(bytes)
    this.#pendingBytes += bytes.length
    if (this.#pendingBytes < this.#wanted) return []
    let data = this.#pending.length === 1 ? bytes : Buffer.concat(this.#pending)
    const events: ProviderEvent[] = []
    for (;;) {
      this.#wanted = data.length < PRELUDE_BYTES ? PRELUDE_BYTES : messageLength(data)
      if (data.length < this.#wanted) break
      events.push(readMessage(data.subarray(0, this.#wanted)))
      data = data.subarray(this.#wanted)
    }
    this.#pending = data.length === 0 ? [] : [data]
    this.#pendingBytes = data.length
    return events
  }

  /** @throws ProviderFault when a message was cut off */
  end(): ProviderEvent[] {
    if (this.#pendingBytes > 0) throw unreadable('The provider ended its stream within a message.')
    return []
  }
}

function messageLength(data: Buffer): number {
  if (crc32(data.subarray(0, 8)) !== data.readUInt32BE(8)) throw unreadable('A message of the provider is damaged.')
  const total = data.readUInt32BE(0)
  const headers = data.readUInt32BE(4)
  if (total > MESSAGE_BYTES_MAX || total < PRELUDE_BYTES + headers + CRC_BYTES) {
    throw unreadable('A message of the provider has an impossible length.')
  }
  return total
}

function readMessage(message: Buffer): ProviderEvent {
  const end = message.length - CRC_BYTES
  if (crc32(message.subarray(0, end)) !== message.readUInt32BE(end)) {
    throw unreadable('A message of the provider is damaged.')
  }
  const payloadAt = PRELUDE_BYTES + message.readUInt32BE(4)
  const headers = readHeaders(message.subarray(PRELUDE_BYTES, payloadAt))
  const event = headers.get(':exception-type') ?? headers.get(':error-code') ?? headers.get(':event-type') ?? null
  return { event, data: message.toString('utf8', payloadAt, end) }
}

/** Those that are strings; the others are skipped by their length. */
function readHeaders(bytes: Buffer): Map<string, string> {
  const headers = new Map<string, string>()
  let at = 0
  while (at < bytes.length) {
    const nameEnd = at + 1 + (bytes[at] ?? 0)
    const type = bytes[nameEnd]
    const fixed = type === undefined ? undefined : VALUE_BYTES[type]
    if (fixed === undefined || (fixed === null && nameEnd + 3 > bytes.length)) {
      throw unreadable('A header of a message of the provider is damaged.')
    }
    const valueAt = nameEnd + (fixed === null ? 3 : 1)
    const valueEnd = valueAt + (fixed ?? bytes.readUInt16BE(nameEnd + 1))
    if (valueEnd > bytes.length) throw unreadable('A header of a message of the provider is damaged.')
    if (type === STRING_TYPE)
      headers.set(bytes.toString('utf8', at + 1, nameEnd), bytes.toString('utf8', valueAt, valueEnd))
    at = valueEnd
  }
  return headers
}
