import { z } from 'zod'
import { endpoint } from './endpoint'
import { displayName, idOf, instant } from './fields'
import { pageInput, pageOf } from './page'

export const QUARANTINE_STATES = ['waiting', 'replayed', 'discarded'] as const
/** Of one event; what is larger is refused and stays with its gateway. */
export const QUARANTINED_BYTES_MAX = 262_144
/** Of an organisation, waiting. Nothing that waits is dropped for what comes later. */
export const QUARANTINE_WAITING_MAX = 10_000
export const QUARANTINE_WAITING_BYTES_MAX = 256 * 1_048_576

const id = idOf('qua')
const ids = z.array(id).min(1).max(200)

/** An event that could not be recorded as it came. */
export const QuarantinedEvent = z.object({
  id,
  gateway_id: z.string(),
  /** As far as what was sent has one. */
  event_id: z.string().nullable(),
  /** Why it could not be recorded, the last time that this was tried. */
  reason: z.string(),
  state: z.enum(QUARANTINE_STATES),
  /** Of what was sent. */
  bytes: z.number().int(),
  sha256: z.string(),
  /** How often it was tried to record it. */
  attempts: z.number().int(),
  received_at: instant,
  resolved_at: instant.nullable(),
  /** Id of who replayed or discarded it. */
  resolved_by: z.string().nullable(),
})
export type QuarantinedEvent = z.infer<typeof QuarantinedEvent>

export const REPLAY_OUTCOMES = ['recorded', 'recorded_before', 'refused', 'not_waiting', 'not_found'] as const

const EXAMPLE: QuarantinedEvent = {
  id: 'qua_019a6f0e1c2d7000a1b2c3d4e5f60718',
  gateway_id: 'gw_local',
  event_id: 'evt_019a6f0e1c2d7000a1b2c3d4e5f60718',
  reason: 'status_code: must be at most 599',
  state: 'waiting',
  bytes: 1_730,
  sha256: '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08',
  attempts: 1,
  received_at: '2026-04-23T10:00:00.100000Z',
  resolved_at: null,
  resolved_by: null,
}

export const quarantine = {
  list: endpoint({
    name: 'quarantine.list',
    method: 'GET',
    path: '/v1/quarantine',
    access: 'events:read',
    input: z.strictObject({ state: z.enum(QUARANTINE_STATES).optional(), ...pageInput }),
    output: pageOf(QuarantinedEvent).extend({
      /** All that waits in the organisation, whatever the page shows. */
      waiting: z.number().int(),
      waiting_bytes: z.number().int(),
    }),
    summary: 'List events that could not be recorded as they came, newest first',
    example: {
      input: { state: 'waiting' },
      output: { items: [EXAMPLE], next_cursor: null, waiting: 1, waiting_bytes: 1_730 },
    },
  }),
  get: endpoint({
    name: 'quarantine.get',
    method: 'GET',
    path: '/v1/quarantine/:id',
    access: 'events:read',
    input: z.strictObject({ id }),
    output: QuarantinedEvent.extend({ sent: z.string().describe('What the gateway sent, as text.') }),
    summary: 'Read one quarantined event with what was sent',
    example: { input: { id: EXAMPLE.id }, output: { ...EXAMPLE, sent: '{"event_id":"evt_019a6f0e..."}' } },
  }),
  replay: endpoint({
    name: 'quarantine.replay',
    method: 'POST',
    path: '/v1/quarantine/replay',
    access: 'events:quarantine',
    input: z.strictObject({
      ids,
      accept_time: z
        .boolean()
        .default(false)
        .describe('Record it although its time is not plausible, such as after the clock of a gateway was wrong.'),
    }),
    output: z.object({
      items: z.array(z.object({ id: z.string(), outcome: z.enum(REPLAY_OUTCOMES), reason: z.string().nullable() })),
    }),
    summary: 'Try again to record quarantined events, by the rules of today',
    description:
      'One that carries the id of another recorded event can never be recorded: the first one stands. What is refused again stays and waits.',
    example: {
      input: { ids: [EXAMPLE.id] },
      output: { items: [{ id: EXAMPLE.id, outcome: 'recorded', reason: null }] },
    },
  }),
  discard: endpoint({
    name: 'quarantine.discard',
    method: 'POST',
    path: '/v1/quarantine/discard',
    access: 'events:quarantine',
    input: z.strictObject({ ids, reason: displayName }),
    output: z.object({ discarded: z.number().int() }),
    summary: 'Give up quarantined events; asks for a reason. What was sent stays readable.',
    example: { input: { ids: [EXAMPLE.id], reason: 'Written by a test' }, output: { discarded: 1 } },
  }),
}
