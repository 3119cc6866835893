import { z } from 'zod'
import { endpoint } from './endpoint'
import { displayName, idOf, instant, when } from './fields'
import { pageInput, pageOf } from './page'

/** While it stands, no event it covers is dropped and no content of one is erased. */
export const LegalHold = z.object({
  id: idOf('hold'),
  name: displayName,
  reason: z.string(),
  /** Bounds of the time at which events occurred; null is open. `until` is exclusive. */
  since: instant.nullable(),
  until: instant.nullable(),
  created_at: instant,
  created_by: z.string(),
  released_at: instant.nullable(),
  released_by: z.string().nullable(),
})
export type LegalHold = z.infer<typeof LegalHold>

const EXAMPLE: LegalHold = {
  id: 'hold_019a6f0e1c2d7000a1b2c3d4e5f60718',
  name: 'Case 2026/14',
  reason: 'Preservation notice of 3 March',
  since: '2026-01-01T00:00:00.000Z',
  until: null,
  created_at: '2026-03-04T09:00:00.000Z',
  created_by: 'Ada',
  released_at: null,
  released_by: null,
}

export const holds = {
  list: endpoint({
    name: 'holds.list',
    method: 'GET',
    path: '/v1/holds',
    access: 'settings:read',
    input: z.strictObject({ state: z.enum(['standing', 'all']).default('standing'), ...pageInput }),
    output: pageOf(LegalHold),
    summary: 'List legal holds, newest first',
    example: { input: {}, output: { items: [EXAMPLE], next_cursor: null } },
  }),
  create: endpoint({
    name: 'holds.create',
    method: 'POST',
    path: '/v1/holds',
    status: 201,
    access: 'holds:write',
    idempotent: true,
    input: z.strictObject({
      name: displayName,
      reason: displayName,
      since: when.optional().describe('Events that occurred before are not covered.'),
      until: when
        .optional()
        .describe('Nor those that occurred then or later; without it the hold grows with the record.'),
    }),
    output: LegalHold,
    summary: 'Keep events and their content from being dropped or erased',
    example: { input: { name: EXAMPLE.name, reason: EXAMPLE.reason, since: '2026-01-01' }, output: EXAMPLE },
  }),
  release: endpoint({
    name: 'holds.release',
    method: 'POST',
    path: '/v1/holds/:id/release',
    access: 'holds:write',
    input: z.strictObject({ id: z.string().max(64), reason: displayName }),
    output: LegalHold,
    summary: 'End a legal hold; what it kept is dropped or erased when its time is over',
    example: {
      input: { id: EXAMPLE.id, reason: 'Case closed' },
      output: { ...EXAMPLE, released_at: '2026-09-01T09:00:00.000Z', released_by: 'Ada' },
    },
  }),
}
