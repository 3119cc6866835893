import { z } from 'zod'
import { endpoint } from './endpoint'
import { displayName, when } from './fields'

/** Events that one request takes the content of; who has more asks again until `more` is false. */
export const ERASED_PER_REQUEST_MAX = 10_000

const EVENT_ID = 'evt_019a6f0e1c2d7000a1b2c3d4e5f60718'
const AFTERWARDS =
  'The content can no longer be shown when this answers; the bytes leave the object store within moments, or as soon as it can be reached. The events themselves, their hashes and their place in the record stay.'

export const payloads = {
  erase: endpoint({
    name: 'payloads.erase',
    method: 'POST',
    path: '/v1/events/:id/erase',
    access: 'payloads:erase',
    input: z.strictObject({ id: z.string().max(64), reason: displayName }),
    output: z.object({
      /** 0 when nothing was captured or it was erased before. */
      erased: z.number().int(),
    }),
    summary: 'Erase the captured content of one event for good; asks for a reason and is recorded',
    description: `${AFTERWARDS} Refused with 409 \`legal_hold\` while a hold covers the event.`,
    example: { input: { id: EVENT_ID, reason: 'Erasure request 12' }, output: { erased: 1 } },
  }),
  eraseMany: endpoint({
    name: 'payloads.eraseMany',
    method: 'POST',
    path: '/v1/payloads/erase',
    access: 'payloads:erase',
    input: z
      .strictObject({
        filter: z.string().max(2_000).optional().describe('As of GET /v1/events, such as `user_id=usr_1`.'),
        since: when.optional(),
        until: when.optional(),
        reason: displayName,
      })
      .refine(({ filter, since, until }) => (filter ?? since ?? until) !== undefined, {
        message: 'Say which: filter, since or until.',
      }),
    output: z.object({
      /** Events whose content was taken by this request. */
      erased: z.number().int(),
      /** Whether there are others yet: ask again. */
      more: z.boolean(),
    }),
    summary: `Erase the captured content of all events of a filter, ${ERASED_PER_REQUEST_MAX} at a time`,
    description: `${AFTERWARDS} While a hold covers any of the events nothing is erased: 409 \`legal_hold\` names the hold.`,
    example: {
      input: { filter: 'user_id=usr_019a6f0e1c2d7000a1b2c3d4e5f60718', reason: 'Erasure request 12' },
      output: { erased: 214, more: false },
    },
  }),
}
