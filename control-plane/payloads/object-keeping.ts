import type { GatewayEvent } from '@/lib/contract/events'
import { AppError } from '@/lib/errors'
import { type ObjectStore, objectKey } from '../objects/object-store'
import type { CapturedPart } from './capture'

/** Puts at the same time, for one batch. */
const AT_ONCE = 16
/** A gateway waits ten seconds for the answer to its batch. */
const STORED_WITHIN_MS = 8_000
/** Batches whose content is being stored by this process: each holds up to 32 MiB. */
const BATCHES_AT_ONCE = 6
const underWay = new WeakMap<ObjectStore, number>()

/** The folder of a day, by which objects that no row came to name are found. */
export const payloadFolder = (orgId: string, day: string): string => `${objectKey(orgId, 'payloads', day)}/`

const keyOf = (orgId: string, day: string, { commitment, event }: Pick<CapturedPart, 'commitment' | 'event'>) =>
  objectKey(orgId, 'payloads', day, commitment.slice(0, 2), `${commitment}-${event.event_id}`)

/**
 * Stores the bytes of parts under names made of their commitments, and returns the rows that will name them. Repeating it
 * stores the same.
 *
 * @throws AppError `unavailable` when that does not succeed in time
 */
export async function storePayloads(objects: ObjectStore, orgId: string, parts: readonly CapturedPart[], now: Date) {
  const day = now.toISOString().slice(0, 10)
  const rows = parts.map((captured) => ({
    orgId,
    eventId: captured.event.event_id,
    part: captured.part,
    capture: captureOf(captured.event),
    commitment: captured.commitment,
    salt: captured.salt.toString('base64'),
    bytes: captured.bytes?.length ?? 0,
    objectKey: captured.bytes === null ? null : keyOf(orgId, day, captured),
    storedAt: now.toISOString(),
  }))
  const running = underWay.get(objects) ?? 0
  if (running >= BATCHES_AT_ONCE) throw busy('The object store is busy.')
  underWay.set(objects, running + 1)
  try {
    await putAll(
      objects,
      parts.flatMap(({ bytes }, at) => {
        const key = rows[at]?.objectKey
        return bytes === null || key == null ? [] : [{ key, bytes }]
      }),
    )
  } finally {
    underWay.set(objects, (underWay.get(objects) ?? 1) - 1)
  }
  return rows
}

async function putAll(objects: ObjectStore, wanted: { key: string; bytes: Buffer }[]): Promise<void> {
  const stop = new AbortController()
  const signal = AbortSignal.any([stop.signal, AbortSignal.timeout(STORED_WITHIN_MS)])
  const waiting = wanted.values()
  const work = async () => {
    for (const { key, bytes } of waiting) {
      signal.throwIfAborted()
      await within(signal, objects.put(key, bytes, { contentType: 'application/octet-stream', signal }))
    }
  }
  try {
    await Promise.all(Array.from({ length: Math.min(AT_ONCE, wanted.length) }, work))
  } catch (thrown) {
    if (signal.aborted) throw busy('The object store did not take the captured content in time.', thrown)
    throw thrown
  } finally {
    stop.abort()
  }
}

/** A store that does not even notice that it should give up must not hold the batch. */
async function within<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>()
  const giveUp = () => reject(signal.reason)
  signal.addEventListener('abort', giveUp, { once: true })
  try {
    return await Promise.race([work, promise])
  } finally {
    signal.removeEventListener('abort', giveUp)
  }
}

const busy = (message: string, cause?: unknown) => new AppError('unavailable', message, { retryAfterSeconds: 2, cause })

const captureOf = ({ payload }: GatewayEvent): 'redacted' | 'full' => (payload.capture === 'full' ? 'full' : 'redacted')
