import { createHash } from 'node:crypto'
import { afterAll, describe, expect, test } from 'vitest'
import { activity } from '@/lib/contract/activity'
import { events } from '@/lib/contract/events'
import { evidence } from '@/lib/contract/evidence'
import { payloads } from '@/lib/contract/payloads'
import { settings } from '@/lib/contract/settings'
import { trail } from '@/lib/contract/trail'
import { newId } from '@/lib/ids'
import { readArchive } from '@/lib/trail/archive'
import { parseBundle } from '@/lib/trail/bundle'
import { verifyArchive } from '@/lib/trail/verify-bundle'
import { startControlPlane, type TestOrganization } from '../testing'
import { recording } from '../trail/testing'

const plane = await startControlPlane()
afterAll(() => plane.stop())

type Who = Awaited<ReturnType<TestOrganization['as']>>

const pathOf = (requestId: string, query = '') => `/v1/evidence/${encodeURIComponent(requestId)}/bundle.zip${query}`

async function archiveOf(who: Who, requestId: string, query = ''): Promise<Uint8Array> {
  const { status, bytes } = await fetched(who, pathOf(requestId, query))
  expect(status).toBe(200)
  return bytes
}

async function fetched(who: Who, path: string) {
  const request = new Request(`http://control-plane.test${path}`, { headers: { authorization: `Bearer ${who.token}` } })
  const response = await plane.fetch(request)
  return { status: response.status, headers: response.headers, bytes: new Uint8Array(await response.arrayBuffer()) }
}

/** An organisation with others' events around one request that has captured content. */
async function recorded() {
  const home = await recording(plane)
  await home.owner(settings.updateSecurity, { payload_capture: 'full' })
  await home.record(3)
  const requestId = newId('req')
  const salt = Buffer.alloc(32, 7)
  const committed = (text: string) => createHash('sha256').update(salt).update(text).digest('hex')
  const event = home.event({
    request_id: requestId,
    payload: {
      request_sha256: committed('ask'),
      response_sha256: committed('answer'),
      request_captured_sha256: committed('ask'),
      response_captured_sha256: committed('answer'),
      request_bytes: 3,
      response_bytes: 6,
      capture: 'full',
      commitment: 'salted',
    },
  })
  const base64 = (text: string) => Buffer.from(text).toString('base64')
  const capture = {
    event_id: event.event_id,
    salt: salt.toString('base64'),
    request: base64('ask'),
    response: base64('answer'),
  }
  const answer = await home.gateway(events.ingest, { events: [event], captures: [capture] })
  expect(answer).toEqual({ accepted: 1, duplicates: 0, rejected: [] })
  await home.record(300)
  const { fingerprint } = await home.owner(trail.publicKey, {}).catch(() => ({ fingerprint: '' }))
  return { ...home, event, requestId, fingerprint }
}

describe('evidence of a request', () => {
  test('an archive proves offline, against nothing but a fingerprint, what was recorded', async () => {
    const { owner, requestId, orgId, event } = await recorded()
    const archive = await archiveOf(owner, requestId)
    const { fingerprint } = await owner(trail.publicKey, {})

    const report = verifyArchive(archive, { fingerprint })

    expect(report.checks.filter(({ ok }) => !ok)).toEqual([])
    expect(report).toMatchObject({ ok: true, org: orgId, request_id: requestId })
    const line = new TextDecoder().decode(readArchive(archive).find(({ name }) => name.startsWith('events/'))?.bytes)
    expect(JSON.parse(line)).toMatchObject({ event_id: event.event_id, org_id: orgId })
    expect(verifyArchive(archive, { fingerprint: '0'.repeat(64) }).ok).toBe(false)
  })

  test('the same request is the same bytes, also after the record has grown; the JSON is what is in it', async () => {
    const { owner, requestId, record, sign } = await recorded()
    const first = await fetched(owner, pathOf(requestId))
    await record(20)
    await sign()
    const second = await fetched(owner, pathOf(requestId))

    expect(Buffer.from(second.bytes).equals(Buffer.from(first.bytes))).toBe(true)
    expect(first.headers.get('etag')).toBe(`"${createHash('sha256').update(first.bytes).digest('hex')}"`)
    const json = await owner(evidence.get, { request_id: requestId })
    expect(parseBundle(readArchive(first.bytes).find(({ name }) => name === 'bundle.json')?.bytes ?? '')).toEqual(json)
  })

  test('every changed byte is found', async () => {
    const { owner, requestId } = await recorded()
    const archive = await archiveOf(owner, requestId)
    const { fingerprint } = await owner(trail.publicKey, {})
    for (let at = 0; at < archive.length; at += Math.ceil(archive.length / 97)) {
      const changed = archive.slice()
      changed[at] = (changed[at] ?? 0) ^ 1
      expect(verifyArchive(changed, { fingerprint }).ok, `byte ${at}`).toBe(false)
    }
  })

  test('a request of before a rotation is proven to whoever pins the key of today, or the one of then', async () => {
    const { owner, requestId, sign } = await recorded()
    await archiveOf(owner, requestId)
    const before = await owner(trail.publicKey, {})
    await owner(trail.rotateKey, {})
    await sign()
    const today = await owner(trail.publicKey, {})

    const archive = await archiveOf(owner, requestId)

    expect(today.fingerprint).not.toBe(before.fingerprint)
    for (const { fingerprint } of [today, before]) {
      expect(verifyArchive(archive, { fingerprint }).checks.filter(({ ok }) => !ok)).toEqual([])
    }
    await sign()
    expect(Buffer.from(await archiveOf(owner, requestId)).equals(Buffer.from(archive))).toBe(true)
  })

  test.each([
    ['lost', `delete from trail_tiles where level = 0`],
    ['cut off', `update trail_tiles set hashes = substr(hashes, 1, 33) where level = 0`],
    [
      'changed',
      `update trail_tiles set hashes = set_byte(hashes, 40, (get_byte(hashes, 40) + 1) % 256) where level = 0`,
    ],
  ])(
    'stored hashes of the tree that were %s are no evidence against a record: nothing is handed out',
    async (_, damage) => {
      const { owner, orgId, requestId, event } = await recorded()
      await archiveOf(owner, requestId)
      await plane.owner.unsafe(`${damage} and org_id = '${orgId}'`)
      for (const path of [
        pathOf(requestId),
        `/v1/trail/proof/inclusion?event_id=${event.event_id}`,
        '/v1/trail/proof/consistency?from=3',
      ]) {
        const { status, bytes } = await fetched(owner, path)
        expect({ status, detail: JSON.parse(new TextDecoder().decode(bytes)).detail }).toEqual({
          status: 409,
          detail: 'The stored hashes of the tree do not lead to the root that was signed: verify the trail.',
        })
      }
    },
  )

  test('it can be proven in a later checkpoint that somebody keeps', async () => {
    const { owner, requestId, record, sign } = await recorded()
    await archiveOf(owner, requestId)
    await record(5)
    const later = await sign()
    const kept = await owner(trail.checkpoint, { tree_size: later.tree_size })

    const archive = await archiveOf(owner, requestId, `?tree_size=${later.tree_size}`)

    const { fingerprint } = await owner(trail.publicKey, {})
    const report = verifyArchive(archive, { fingerprint, knownCheckpoint: kept.note })
    expect(report).toMatchObject({ ok: true, checkpoint: { size: later.tree_size } })
    expect(report.checks.find(({ name }) => name === 'known checkpoint')).toMatchObject({ ok: true })
    expect((await fetched(owner, pathOf(requestId, '?tree_size=2'))).status).toBe(404)
  })

  test('content and its salt are handed over only to who may read it, with a reason that is recorded', async () => {
    const { owner, home, requestId, event } = await recorded()
    const plain = await owner(evidence.get, { request_id: requestId })
    expect(plain.payloads).toMatchObject([
      { event_id: event.event_id, part: 'request', state: 'kept', salt: null, file: null },
      { event_id: event.event_id, part: 'response', state: 'kept', salt: null, file: null },
    ])
    const auditor = await home.as(['trail:read', 'events:read'])
    expect((await fetched(auditor, pathOf(requestId, '?payloads_for=Audit'))).status).toBe(403)

    const archive = await archiveOf(owner, requestId, '?payloads_for=Audit')

    const texts = readArchive(archive).filter(({ name }) => name.startsWith('payloads/'))
    expect(texts.map(({ bytes }) => new TextDecoder().decode(bytes))).toEqual(['ask', 'answer'])
    const { fingerprint } = await owner(trail.publicKey, {})
    expect(verifyArchive(archive, { fingerprint }).ok).toBe(true)
    const { items } = await owner(activity.list, { action: 'evidence.downloaded' })
    expect(items).toMatchObject([{ target: { id: requestId }, after: { events: 1, payloads_for: 'Audit' } }])
  })

  test('content that was changed is not handed over, and the event is still proven', async () => {
    const { owner, requestId, orgId } = await recorded()
    const { objects } = plane.services
    const [pack] = (await objects.list(`${orgId}/payloads/`)).objects
    const bytes = await objects.bytes(pack?.key ?? '', 1_000)
    await objects.put(pack?.key ?? '', bytes.fill((bytes[13] ?? 0) ^ 1, 13, 14))
    expect((await fetched(owner, pathOf(requestId, '?payloads_for=Audit'))).status).toBe(409)
    const archive = await archiveOf(owner, requestId)
    const { fingerprint } = await owner(trail.publicKey, {})
    expect(verifyArchive(archive, { fingerprint }).ok).toBe(true)
  })

  test('what was erased is still proven to have been recorded', async () => {
    const { owner, requestId, event } = await recorded()
    await owner(payloads.erase, { id: event.event_id, reason: 'Erasure request 12' })

    const archive = await archiveOf(owner, requestId, '?payloads_for=Audit')

    const { fingerprint } = await owner(trail.publicKey, {})
    const report = verifyArchive(archive, { fingerprint })
    expect(report.ok).toBe(true)
    expect(report.notes.join(' ')).toMatch(/The request of evt_\w+ was erased/)
  })

  test('what no digest covers yet is signed first, but not again within a minute', async () => {
    const { owner, requestId, record, event, gateway } = await recorded()
    await archiveOf(owner, requestId)
    const late = { ...event, event_id: newId('evt'), request_id: newId('req'), gateway_seq: event.gateway_seq + 1_000 }
    await gateway(events.ingest, {
      events: [
        {
          ...late,
          payload: {
            ...late.payload,
            capture: 'none',
            commitment: 'plain',
            request_captured_sha256: null,
            response_captured_sha256: null,
          },
        },
      ],
    })
    await record(1)

    const refused = await fetched(owner, pathOf(late.request_id))

    expect(refused.status).toBe(409)
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0)
    expect((await owner(trail.digests, {})).items).toHaveLength(1)
  })

  test('a damaged record is not proven: an alarm is raised instead', async () => {
    const { owner, requestId, orgId } = await recorded()
    await plane.owner`update events set line = replace(line, '"verdict":"allow"', '"verdict":"block"') where org_id = ${orgId} and request_id = ${requestId}`

    expect((await fetched(owner, pathOf(requestId))).status).toBe(409)
    expect((await owner(trail.status, {})).alarm).not.toBeNull()
  })

  test('strangers, other teams and callers without events:read learn nothing', async () => {
    const { home, requestId } = await recorded()
    const stranger = await (await plane.organization()).as('role_owner')
    const unknown = await fetched(stranger, pathOf('req_unknown'))
    for (const who of [stranger, await home.as(['trail:read', 'events:read'], { teamId: newId('team') })]) {
      const answer = await fetched(who, pathOf(requestId))
      expect(answer.status).toBe(unknown.status)
    }
    expect((await fetched(await home.as(['trail:read']), pathOf(requestId))).status).toBe(403)
  })
})
