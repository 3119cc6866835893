import { createHash, hash, randomBytes } from 'node:crypto'
import { type GatewayEvent, PAYLOAD_BYTES_MAX } from '@/lib/contract/events'
import { parseJson } from '@/lib/parse-json'
import { maskJson, Unmaskable } from '@/lib/policy/mask'
import { assembleStream } from '@/lib/policy/stream/assemble'
import { UnreadableFrame } from '@/lib/policy/stream/unreadable-frame'
import type { Said } from './facts'
import type { Json } from './providers/adapter'
import type { Snapshot } from './snapshot'
import type { CapturedBytes } from './spool-port'
import { withoutPieces } from './walks'

type ApiShape = GatewayEvent['api_shape']

/** What the record says of the content of one request, and what it keeps of it. */
export type Content = {
  payload: GatewayEvent['payload']
  degraded: GatewayEvent['degraded']
  /** null when nothing is captured. */
  capture: CapturedBytes | null
  /** What went wrong while masking, for the log. */
  failure: unknown
}

/**
 * What a commitment is made with, or null for plain hashes. Whatever may have to be erased is salted: without its salt the
 * line that stays says nothing about the content, not even to who can guess it. What is never kept stays plain, so that
 * whoever has a copy can prove it with nothing but the record.
 */
export const saltFor = ({ settings }: Snapshot): Buffer | null =>
  settings.payload_capture === 'none' ? null : randomBytes(32)

/** SHA-256 over the salt, if there is one, and then the bytes. */
export const commitment = (salt: Buffer | null, bytes: Buffer): string =>
  salt === null ? hash('sha256', bytes, 'hex') : createHash('sha256').update(salt).update(bytes).digest('hex')

type Asked = { apiShape: ApiShape; salt: Buffer | null; body: Buffer | null }

/** Masks, where that is asked for: it takes as long as policies that look for the same would. */
export function contentOf(
  { apiShape, salt, body }: Asked,
  said: Said,
  capture: GatewayEvent['payload']['capture'],
): Content {
  const crossed = {
    request_sha256: body && commitment(salt, body),
    response_sha256: said.sha256,
    request_bytes: body?.length ?? 0,
    response_bytes: said.bytes,
  }
  if (capture === 'none' || salt === null) {
    const payload = { ...crossed, capture: 'none', commitment: 'plain', ...NOTHING_CAPTURED } as const
    return { payload, degraded: null, capture: null, failure: null }
  }
  const request = body === null ? NOTHING : kept(capture, body, (json) => maskJson(json))
  const response =
    said.kept === null
      ? { ...NOTHING, lack: said.bytes > PAYLOAD_BYTES_MAX ? TOO_LARGE : said.lacksRoom ? NO_ROOM : null }
      : kept(capture, said.kept, (json) => maskJson(withoutPieces(apiShape, json as Json)), apiShape)
  const isWhole = capture === 'full'
  const captured = (bytes: Buffer | null, whole: string | null) =>
    bytes === null ? null : isWhole ? whole : commitment(salt, bytes)
  return {
    payload: {
      ...crossed,
      capture,
      commitment: 'salted',
      request_captured_sha256: captured(request.bytes, crossed.request_sha256),
      response_captured_sha256: captured(response.bytes, crossed.response_sha256),
    },
    degraded: request.lack ?? response.lack,
    capture: { request: request.bytes, response: response.bytes, salt },
    failure: request.failure ?? response.failure,
  }
}

type Kept = { bytes: Buffer | null; lack: string | null; failure: unknown }

const NOTHING: Kept = { bytes: null, lack: null, failure: null }
const NOTHING_CAPTURED = { request_captured_sha256: null, response_captured_sha256: null } as const
const TOO_LARGE = 'capture.too_large'
/** The gateway held as much as it can when the answer was streamed. */
const NO_ROOM = 'capture.no_room'
/** It is no JSON, or more than is looked through: what cannot be masked is not kept. */
const UNREADABLE = 'capture.unreadable'

function kept(
  capture: 'redacted' | 'full',
  bytes: Buffer,
  mask: (json: unknown) => unknown,
  streamShape: ApiShape | null = null,
): Kept {
  if (bytes.length > PAYLOAD_BYTES_MAX) return { ...NOTHING, lack: TOO_LARGE }
  if (capture === 'full' || bytes.length === 0) return { ...NOTHING, bytes }
  try {
    const json = JSON_START.test(bytes.toString('latin1', 0, 64)) ? parseJson(bytes.toString('utf8')) : undefined
    // A list is a stream of those that do not come as events.
    const isStream = json === undefined || (Array.isArray(json) && streamShape !== null)
    const masked = isStream ? maskedStream(streamShape, bytes) : mask(json)
    if (masked === null) return { ...NOTHING, lack: UNREADABLE }
    const out = Buffer.from(JSON.stringify(masked))
    return out.length > PAYLOAD_BYTES_MAX ? { ...NOTHING, lack: TOO_LARGE } : { ...NOTHING, bytes: out }
  } catch (cause) {
    return { ...NOTHING, lack: UNREADABLE, failure: isExpected(cause) ? null : cause }
  }
}

const isExpected = (cause: unknown) =>
  cause instanceof SyntaxError || cause instanceof UnreadableFrame || (cause instanceof Unmaskable && !cause.cause)

/** A masked stream is kept as its texts: a finding may stretch over many frames, and a frame holds pieces of words. */
function maskedStream(shape: ApiShape | null, bytes: Buffer): unknown {
  const parts = shape === null ? null : assembleStream(shape, bytes)
  return parts === null ? null : { form: 'assembled', parts: maskJson(parts) }
}

const JSON_START = /^\s*[[{]/
