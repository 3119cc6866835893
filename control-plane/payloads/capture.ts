import { hash } from 'node:crypto'
import { type Capture, type GatewayEvent, PAYLOAD_BYTES_MAX } from '@/lib/contract/events'
import type { SecuritySettings } from '@/lib/contract/settings'
import { PARTS, type PayloadPart } from './queries'

/** One part of an event whose content, or at least its salt, is to be kept. */
export type CapturedPart = {
  event: GatewayEvent
  part: PayloadPart
  /** In hex. */
  commitment: string
  salt: Buffer
  /** null when the gateway kept nothing of this part: its salt still proves what the event says of it. */
  bytes: Buffer | null
}

/** SHA-256 over the salt and then the bytes, in hex. */
export const commitmentOf = (salt: Buffer, bytes: Buffer): string => hash('sha256', Buffer.concat([salt, bytes]), 'hex')

/**
 * What a capture says of its event, checked against what the event itself says.
 *
 * @returns its parts, or why it is refused
 */
export function judgeCapture(
  { salt: saltText, ...parts }: Capture,
  event: GatewayEvent,
  allowed: SecuritySettings['payload_capture'],
): CapturedPart[] | string {
  const { payload } = event
  if (payload.capture === 'none' || RANK[payload.capture] > RANK[allowed]) return 'payloads are not captured'
  if (payload.commitment !== 'salted') return 'its event is not salted'
  const salt = Buffer.from(saltText, 'base64')
  const captured: CapturedPart[] = []
  for (const part of PARTS) {
    const crossed = payload[`${part}_sha256`]
    const committed = payload[`${part}_captured_sha256`]
    const sent = parts[part]
    if ((sent === null) !== (committed === null)) return `the ${part} is not what ${part}_captured_sha256 says`
    if (sent === null || committed === null) {
      if (crossed !== null) captured.push({ event, part, commitment: crossed, salt, bytes: null })
      continue
    }
    const bytes = Buffer.from(sent, 'base64')
    if (bytes.length > PAYLOAD_BYTES_MAX) return `the ${part} has more than ${PAYLOAD_BYTES_MAX} bytes`
    if (commitmentOf(salt, bytes) !== committed) return `the ${part} is not what ${part}_captured_sha256 was made from`
    if (payload.capture === 'full' && committed !== crossed) return `the ${part} is not the one that crossed`
    captured.push({ event, part, commitment: committed, salt, bytes })
  }
  return captured
}

const RANK = { none: 0, redacted: 1, full: 2 } as const
