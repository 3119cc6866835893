import { randomBytes } from 'node:crypto'
import type { Capture, GatewayEvent } from '@/lib/contract/events'
import { commitmentOf } from './capture'

/** An event with content as a gateway sends it, and the capture that goes with it. */
export function captured(
  event: GatewayEvent,
  { request, response, capture = 'full' }: { request: string; response: string | null; capture?: 'redacted' | 'full' },
): { event: GatewayEvent; capture: Capture } {
  const salt = randomBytes(32)
  const committed = (text: string | null) => (text === null ? null : commitmentOf(salt, Buffer.from(text)))
  const crossed = (text: string | null) => committed(capture === 'full' ? text : text && `before: ${text}`)
  return {
    event: {
      ...event,
      payload: {
        request_sha256: crossed(request),
        response_sha256: crossed(response),
        request_bytes: request.length,
        response_bytes: response?.length ?? 0,
        capture,
        commitment: 'salted',
        request_captured_sha256: committed(request),
        response_captured_sha256: committed(response),
      },
    },
    capture: {
      event_id: event.event_id,
      salt: salt.toString('base64'),
      request: Buffer.from(request).toString('base64'),
      response: response === null ? null : Buffer.from(response).toString('base64'),
    },
  }
}
