import { randomBytes } from 'node:crypto'
import { afterAll, describe, expect, test, vi } from 'vitest'
import { events } from '@/lib/contract/events'
import { settings } from '@/lib/contract/settings'
import { AppError } from '@/lib/errors'
import { gatewayOf } from '../events/testing'
import { startControlPlane } from '../testing'
import { commitmentOf } from './capture'
import { sweepUnclaimed } from './erasure/take-away'
import { captured } from './testing'

const plane = await startControlPlane()
afterAll(() => plane.stop())
const { objects } = plane.services

const REQUEST = '{"model":"gpt-4o","messages":[{"role":"user","content":"a\\u0000b"}]}'
const ANSWER = '\u0000not json\n'
const CONTENT = { request: REQUEST, response: ANSWER }

async function capturing(payload_capture: 'none' | 'redacted' | 'full' = 'full') {
  const organization = await plane.organization()
  const source = await gatewayOf(organization)
  await source.admin(settings.updateSecurity, { payload_capture })
  const keysOf = async () => {
    const { objects: all } = await objects.list(`${organization.orgId}/`)
    return all.map(({ key }) => key)
  }
  const send = async (...sent: { event: unknown; capture: unknown }[]) =>
    source.gateway(events.ingest, {
      events: sent.map(({ event }) => event),
      captures: sent.map(({ capture }) => capture),
    })
  return { organization, ...source, keysOf, send }
}

async function change(key: string, to: (bytes: Buffer) => Buffer) {
  await objects.put(key, to(await objects.bytes(key, 1_000_000)))
}

describe('captured content', () => {
  test.each(['redacted', 'full'] as const)(
    '(%s) is shown to who gives a reason, which is recorded',
    async (capture) => {
      const { organization, admin, event, send } = await capturing('full')
      const sent = captured(event(), { ...CONTENT, capture })
      expect(await send(sent)).toEqual({ accepted: 1, duplicates: 0, rejected: [] })

      const shown = await admin(events.reveal, { id: sent.event.event_id, reason: 'Ticket 4711' })

      expect([shown.request, shown.response].map((text) => atob(text ?? ''))).toEqual([REQUEST, ANSWER])
      expect(shown).toMatchObject({ capture, salt: sent.capture.salt, erased: null })
      expect((await organization.recorded()).at(-1)).toBe('admin event.revealed')
    },
  )

  test('lies in the object store, not in the database', async () => {
    const { organization, event, send, keysOf } = await capturing()
    const sent = captured(event(), CONTENT)
    await send(sent)
    const keys = await keysOf()
    expect(keys).toHaveLength(1)
    expect(keys[0]).toMatch(new RegExp(`^${organization.orgId}/payloads/\\d{4}-\\d\\d-\\d\\d/../[0-9a-f]{64}$`))
    const text = JSON.stringify(await plane.owner`select * from payloads where org_id = ${organization.orgId}`)
    expect(text).not.toContain(Buffer.from(REQUEST).toString('base64'))
  })

  test('is shown neither without the permission nor to another organisation', async () => {
    const { organization, event, send } = await capturing()
    const sent = captured(event(), CONTENT)
    await send(sent)
    const reader = await organization.as(['events:read'])
    const stranger = await (await plane.organization()).as('role_admin')
    const ask = { id: sent.event.event_id, reason: 'curious' }

    await expect(reader(events.reveal, ask)).rejects.toMatchObject({ code: 'forbidden' })
    await expect(stranger(events.reveal, ask)).rejects.toMatchObject({ code: 'not_found' })
    await expect((await organization.as('role_admin'))(events.reveal, { ...ask, reason: ' ' })).rejects.toMatchObject({
      code: 'invalid_request',
    })
  })

  test('that is not what the event was made from is refused, and the event stays', async () => {
    const { admin, event, gateway } = await capturing()
    const [forged, resalted, silent, good] = [1, 2, 3, 4].map(() => captured(event(), CONTENT))
    const elsewhere = captured(event(), CONTENT)
    if (!forged || !resalted || !silent || !good) throw new Error('too few')
    const plain = event()

    const answer = await gateway(events.ingest, {
      events: [forged.event, resalted.event, plain, good.event],
      captures: [
        { ...forged.capture, request: btoa('something else') },
        { ...resalted.capture, salt: randomBytes(32).toString('base64') },
        { ...silent.capture, event_id: plain.event_id },
        elsewhere.capture,
        { ...good.capture, request: '%%%' },
        null,
        good.capture,
      ],
    })

    expect(answer.accepted).toBe(4)
    expect(answer.rejected).toMatchObject([
      { index: -1, event_id: forged.event.event_id, reason: expect.stringContaining('request_captured_sha256') },
      { event_id: resalted.event.event_id, reason: expect.stringContaining('request_captured_sha256') },
      { event_id: plain.event_id, reason: 'capture: payloads are not captured' },
      { event_id: elsewhere.event.event_id, reason: 'capture: its event is not in this batch' },
      { event_id: good.event.event_id, reason: expect.stringMatching(/^capture: request: /) },
      { event_id: null },
    ])
    expect(await admin(events.reveal, { id: good.event.event_id, reason: 'check' })).toMatchObject({
      request: btoa(REQUEST),
    })
    expect(await admin(events.reveal, { id: forged.event.event_id, reason: 'check' })).toMatchObject({ request: null })
  })

  test.each([
    ['none', 'redacted'],
    ['none', 'full'],
    ['redacted', 'full'],
  ] as const)('is not kept while the organisation wants %s and the gateway sends %s', async (setting, capture) => {
    const { admin, event, send, keysOf } = await capturing(setting)
    const sent = captured(event(), { ...CONTENT, capture })
    expect(await send(sent)).toMatchObject({
      accepted: 1,
      rejected: [{ reason: 'capture: payloads are not captured' }],
    })
    expect(await keysOf()).toEqual([])
    expect(await admin(events.reveal, { id: sent.event.event_id, reason: 'check' })).toMatchObject({
      request: null,
      response: null,
    })
  })

  test('of a part that was not kept leaves its salt, which proves what crossed', async () => {
    const { admin, event, send, keysOf } = await capturing()
    const sent = captured(event(), { ...CONTENT, response: null })
    const salt = Buffer.from(sent.capture.salt, 'base64')
    const response_sha256 = commitmentOf(salt, Buffer.from(ANSWER))
    sent.event.payload = { ...sent.event.payload, response_sha256, response_bytes: ANSWER.length }
    expect(await send(sent)).toMatchObject({ rejected: [] })
    expect(await keysOf()).toHaveLength(1)
    const shown = await admin(events.reveal, { id: sent.event.event_id, reason: 'check' })
    expect(shown).toMatchObject({ request: btoa(REQUEST), response: null, salt: sent.capture.salt })
  })

  test.each([
    ['another', (key: string) => objects.put(key, 'forged').then(() => undefined)],
    ['cut off', (key: string) => change(key, (bytes) => bytes.subarray(0, -1))],
    ['changed in one bit', (key: string) => change(key, (bytes) => bytes.fill((bytes[40] ?? 0) ^ 1, 40, 41))],
    ['missing', (key: string) => objects.delete(key)],
  ])('that is %s in the object store is never shown, and an operator is told', async (_, damage) => {
    const { admin, event, send, keysOf } = await capturing()
    const sent = captured(event(), CONTENT)
    await send(sent)
    const alarm = vi.spyOn(plane.services.log, 'error')
    for (const key of await keysOf()) await damage(key)
    await expect(admin(events.reveal, { id: sent.event.event_id, reason: 'check' })).rejects.toMatchObject({
      code: 'payload_modified',
    })
    expect(alarm.mock.calls[0]?.[0]).toMatchObject({ event_id: sent.event.event_id, alarm: 'payload.modified' })
    alarm.mockRestore()
  })
})

describe('an object store that takes nothing', () => {
  const away = new AppError('unavailable', 'The object store has no space left.', { retryAfterSeconds: 30 })

  test('loses neither events nor content: the gateway keeps both and sends them again', async () => {
    const { admin, event, send } = await capturing()
    const sent = captured(event(), CONTENT)
    const put = vi.spyOn(objects, 'put').mockRejectedValue(away)
    await expect(send(sent)).rejects.toMatchObject({ code: 'unavailable', retryAfterSeconds: 30 })
    expect((await admin(events.list, {})).items).toEqual([])
    put.mockRestore()

    expect(await send(sent)).toMatchObject({ accepted: 1, rejected: [] })
    expect(await admin(events.reveal, { id: sent.event.event_id, reason: 'check' })).toMatchObject({
      request: btoa(REQUEST),
    })
  })

  test('holds up no event without content, nor any once nothing is captured', async () => {
    const { admin, event, send, gateway } = await capturing()
    const put = vi.spyOn(objects, 'put').mockRejectedValue(away)
    expect(await gateway(events.ingest, { events: [event()] })).toMatchObject({ accepted: 1 })
    await admin(settings.updateSecurity, { payload_capture: 'none' })
    expect(await send(captured(event(), CONTENT))).toMatchObject({ accepted: 1 })
    put.mockRestore()
  })

  test('is not asked again for what was recorded before', async () => {
    const { event, send } = await capturing()
    const sent = captured(event(), CONTENT)
    await send(sent)
    const put = vi.spyOn(objects, 'put').mockRejectedValue(away)
    expect(await send(sent)).toEqual({ accepted: 0, duplicates: 1, rejected: [] })
    put.mockRestore()
  })

  test('takes no more than a few batches at once, and says when to come again', async () => {
    const { event, send } = await capturing()
    const gate = Promise.withResolvers<number>()
    const put = vi.spyOn(objects, 'put').mockReturnValue(gate.promise)
    const waiting = Array.from({ length: 6 }, () => send(captured(event(), CONTENT)))
    await vi.waitFor(() => expect(put.mock.calls.length).toBe(6))
    await expect(send(captured(event(), CONTENT))).rejects.toMatchObject({ code: 'unavailable', retryAfterSeconds: 2 })
    gate.resolve(1)
    await Promise.all(waiting)
    put.mockRestore()
  })
})

describe('the object of a batch that is not recorded', () => {
  /** The database refuses the batch after its content was stored. */
  async function refused() {
    const home = await capturing()
    const kept = captured(home.event(), CONTENT)
    await home.send(kept)
    const lost = captured(home.event(), CONTENT)
    const name = `never_${lost.event.event_id}`
    await plane.owner.unsafe(
      `alter table payloads add constraint ${name} check (event_id <> '${lost.event.event_id}') not valid`,
    )
    await expect(home.send(lost)).rejects.toThrow()
    await plane.owner.unsafe(`alter table payloads drop constraint ${name}`)
    const isKept = async () =>
      expect(await home.admin(events.reveal, { id: kept.event.event_id, reason: 'check' })).toMatchObject({
        request: btoa(REQUEST),
      })
    return { ...home, lost, isKept }
  }

  test('is deleted at once, and the same batch is recorded when it comes again', async () => {
    const { keysOf, send, lost, isKept } = await refused()
    await vi.waitFor(async () => expect(await keysOf()).toHaveLength(1))
    await isKept()
    expect(await send(lost)).toMatchObject({ accepted: 1, rejected: [] })
    expect(await keysOf()).toHaveLength(2)
  })

  test('is swept two days later when a crash came first, and no other is', async () => {
    const remove = vi.spyOn(objects, 'delete').mockRejectedValue(new AppError('unavailable', 'We were killed.'))
    const { organization, keysOf, isKept } = await refused()
    await vi.waitFor(() => expect(remove).toHaveBeenCalledOnce())
    remove.mockRestore()
    expect(await keysOf()).toHaveLength(2)

    const inDays = (days: number) => new Date(Date.now() + days * 86_400_000)
    expect(await sweepUnclaimed(plane.services, organization.orgId, inDays(1))).toBe(0)
    expect(await sweepUnclaimed(plane.services, organization.orgId, inDays(2))).toBe(1)
    expect(await keysOf()).toHaveLength(1)
    await isKept()
  })

  test('because another brought the same events is deleted as well', async () => {
    const { event, send, keysOf, admin } = await capturing()
    const sent = captured(event(), CONTENT)
    const answers = await Promise.all([send(sent), send(sent), send(sent)])
    expect(answers.map(({ accepted }) => accepted).toSorted()).toEqual([0, 0, 1])
    await vi.waitFor(async () => expect(await keysOf()).toHaveLength(1))
    expect(await admin(events.reveal, { id: sent.event.event_id, reason: 'check' })).toMatchObject({
      request: btoa(REQUEST),
    })
  })
})
