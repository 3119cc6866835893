import { z } from 'zod'
import { endpoint } from './endpoint'
import { instant } from './fields'

/** Why a month is still there. Of several the first counts. */
export const MONTH_STATES = ['kept', 'held', 'unsigned', 'due', 'retired'] as const

const count = z.number().int().min(0)

export const retention = {
  get: endpoint({
    name: 'retention.get',
    method: 'GET',
    path: '/v1/retention',
    access: 'settings:read',
    input: z.strictObject({}),
    output: z.object({
      events_retention_days: count.nullable(),
      payloads_retention_days: count.nullable(),
      months: z
        .array(
          z.object({
            /** `2026-04`. */
            month: z.string(),
            events: count,
            /** The first moment at which it may be dropped; null when events are kept for ever. */
            droppable_from: instant.nullable(),
            state: z.enum(MONTH_STATES),
            /** Names of the holds that keep it. */
            holds: z.array(z.string()),
            retired_at: instant.nullable(),
          }),
        )
        .describe('Newest first, 240 at most.'),
      payloads: z.object({
        /** Parts whose content is kept. */
        kept: count,
        bytes: count,
        oldest_at: instant.nullable(),
        /** Parts that the next daily run erases. */
        due: count,
        /** Erased parts whose object has still to be deleted, with nothing else in it; nobody can read them any more. */
        leaving: count,
      }),
    }),
    summary: 'What is kept, and what will be dropped or erased when',
    description:
      '`kept`: not old enough, or kept for ever. `held`: a legal hold covers it. `unsigned`: the trail has not yet signed all of it. `due`: the next daily run drops it, provided that no other organisation of the installation keeps the same month. `retired`: dropped; totals and the ranges of its places in the record remain.',
    example: {
      input: {},
      output: {
        events_retention_days: 365,
        payloads_retention_days: 30,
        months: [
          {
            month: '2026-04',
            events: 1_204_113,
            droppable_from: '2027-05-01T00:00:00.000Z',
            state: 'kept',
            holds: [],
            retired_at: null,
          },
        ],
        payloads: { kept: 80_114, bytes: 211_004_202, oldest_at: '2026-04-01T00:00:02.000Z', due: 0, leaving: 0 },
      },
    },
  }),
}
