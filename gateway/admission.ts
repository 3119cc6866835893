import { newIdAt } from '@/lib/ids'
import { Refusal } from './errors'
import type { Facts } from './facts'
import { type Credentials, identify } from './identify'
import { AddressList } from './limits/client-address'
import type { Plane } from './plane'
import type { Snapshot } from './snapshot'

/**
 * What is decided from the headers alone, in this order: ready, who, room for the record, what the key is for, what the
 * body is. Fills in who is calling.
 *
 * @throws Refusal of each of these
 */
export function admit(plane: Plane, facts: Facts, credentials: Credentials): void {
  const { snapshot, headers } = facts
  if (snapshot.config === null) throw new Refusal('not_ready', 'This gateway has no verified configuration yet.')
  const { pack } = snapshot.config.compiled
  if (!pack.enabled) throw new Refusal('not_ready', 'The configuration of this gateway is switched off.')
  assertAddressAllowed(snapshot, facts.clientIp)
  const key = identify(credentials, snapshot, plane.contactSlackMs)
  facts.key = key
  if (plane.durability === 'strict' && plane.spool.full) {
    throw new Refusal('audit_unavailable', 'This request could not be recorded, so it was not sent.', {
      retryAfterSeconds: 5,
    })
  }
  if (key !== null && key.purpose !== 'general') {
    facts.eventId = newIdAt('evt', facts.startedAtMs)
    facts.refusedFor = 'purpose.not_allowed'
    throw new Refusal('purpose_not_allowed', `A key with the purpose ${key.purpose} cannot send AI requests.`)
  }
  const [type, name] = facts.apiShape === 'audio_transcriptions' ? FORM : JSON_BODY
  if (!type.test(headers['content-type'] ?? '')) {
    throw new Refusal('unsupported_media_type', `Send the body as Content-Type: ${name}.`)
  }
  if ((headers['content-encoding'] ?? 'identity') !== 'identity') {
    throw new Refusal('unsupported_media_type', 'Send the body without Content-Encoding.')
  }
}

/** @throws Refusal `address_not_allowed` */
export function assertAddressAllowed({ config }: Snapshot, clientIp: string): void {
  const allowed = config?.compiled.network.ipAllowlist ?? null
  if (allowed !== null && !addressList(allowed).includes(clientIp)) {
    throw new Refusal('address_not_allowed', 'This gateway is not open to your address.')
  }
}

const lists = new WeakMap<readonly string[], AddressList>()

/** Parsed once for each configuration. */
function addressList(cidrs: readonly string[]): AddressList {
  const known = lists.get(cidrs) ?? new AddressList(cidrs)
  lists.set(cidrs, known)
  return known
}

const JSON_BODY = [/^application\/json\s*(?:;|$)/i, 'application/json'] as const
const FORM = [/^multipart\/form-data\s*;/i, 'multipart/form-data'] as const
