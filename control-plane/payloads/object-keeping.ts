import type { GatewayEvent } from '@/lib/contract/events'
import { AppError } from '@/lib/errors'
import type { Services } from '../context'
import { type ObjectStore, objectKey } from '../objects/object-store'
import type { CapturedPart } from './capture'
import { type PartPlace, packsOf } from './pack'

/** A gateway waits ten seconds for the answer to its batch. */
const STORED_WITHIN_MS = 8_000
/** Batches whose content is being stored by this process: each holds up to 32 MiB. */
const BATCHES_AT_ONCE = 6
const underWay = new WeakMap<ObjectStore, number>()

/** The folder of a day, by which objects that no row came to name are found. */
export const payloadFolder = (orgId: string, day: string): string => `${objectKey(orgId, 'payloads', day)}/`

/** A part as it will be noted once its event is recorded; without a place when there is no content of it. */
export type KeptPart = Omit<CapturedPart, 'event' | 'salt' | 'bytes'> & {
  eventId: string
  capture: 'redacted' | 'full'
  salt: string
  bytes: number
  place: (PartPlace & { objectKey: string }) | null
}
export type KeptParts = {
  parts: KeptPart[]
  storedAt: string
  /** Keys of stored packs that no row names. */
  unclaimed: Set<string>
}

/**
 * Stores the content of a batch, in one object unless there is more of it than one may have.
 *
 * @throws AppError `unavailable` when that does not succeed in time. Nothing is stored then, or what nobody names.
 */
export async function storePayloads(
  objects: ObjectStore,
  orgId: string,
  captured: readonly CapturedPart[],
  now: Date,
): Promise<KeptParts> {
  const day = now.toISOString().slice(0, 10)
  const running = underWay.get(objects) ?? 0
  if (running >= BATCHES_AT_ONCE) throw busy('The object store is busy.')
  underWay.set(objects, running + 1)
  try {
    const packs = packsOf(
      captured.flatMap(({ event, part, bytes }) =>
        bytes === null ? [] : [{ orgId, eventId: event.event_id, part, content: bytes }],
      ),
    ).map((pack) => ({ ...pack, key: objectKey(orgId, 'payloads', day, pack.sha256.slice(0, 2), pack.sha256) }))
    await putAll(objects, packs)
    const places = packs.flatMap(({ key, places }) => places.map((place) => ({ ...place, objectKey: key }))).values()
    const parts = captured.map(({ event, part, commitment, salt, bytes }) => ({
      eventId: event.event_id,
      part,
      capture: captureOf(event),
      commitment,
      salt: salt.toString('base64'),
      bytes: bytes?.length ?? 0,
      place: bytes === null ? null : (places.next().value ?? null),
    }))
    return { parts, storedAt: now.toISOString(), unclaimed: new Set(packs.map(({ key }) => key)) }
  } finally {
    underWay.set(objects, (underWay.get(objects) ?? 1) - 1)
  }
}

/** Deletes packs that are known to be named by no row, as far as the store lets it: what stays is swept later. */
export async function dropPacks({ objects, log }: Pick<Services, 'objects' | 'log'>, keys: Iterable<string>) {
  for (const key of keys) {
    await objects.delete(key).catch((cause: unknown) => {
      log.warn(
        { key, err: cause },
        'content of a batch that was not recorded stays in the object store until it is swept',
      )
    })
  }
}

async function putAll(objects: ObjectStore, wanted: readonly { key: string; bytes: Buffer }[]): Promise<void> {
  const stop = new AbortController()
  const signal = AbortSignal.any([stop.signal, AbortSignal.timeout(STORED_WITHIN_MS)])
  try {
    await Promise.all(
      wanted.map(({ key, bytes }) =>
        within(signal, objects.put(key, bytes, { contentType: 'application/octet-stream', signal })),
      ),
    )
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
