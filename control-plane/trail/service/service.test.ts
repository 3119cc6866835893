import { afterAll, describe, expect, onTestFinished, test, vi } from 'vitest'
import { trail } from '@/lib/contract/trail'
import { asSystem } from '../../system'
import { startControlPlane } from '../../testing'
import { lastDigest } from '../digests/queries'
import { found, recording } from '../testing'
import { closeTrails, sweep } from './commands'

const plane = await startControlPlane({ jobs: true })
afterAll(() => plane.stop())
const { services, owner: database } = plane
const never = new AbortController().signal

const newest = (orgId: string) => asSystem(services, orgId, ({ tx }) => lastDigest(tx, orgId))
/** As if the newest digest had been signed so long ago; its signature is no longer true then. */
const age = (orgId: string, hours: number) =>
  database`update trail_digests set period_end = period_end - make_interval(hours => ${hours}) where org_id = ${orgId}`

describe('the sweep', () => {
  test('signs the first digest of an organisation, then none before the full hour', async () => {
    const { orgId } = await recording(plane)
    await sweep(services, never)
    await sweep(services, never)
    const first = await newest(orgId)
    expect(first?.number).toBe(0)
    await age(orgId, 1)
    await sweep(services, never)
    expect((await newest(orgId))?.number).toBe(1)
  })

  test('lets a new key sign at once, so that there is something to verify with it', async () => {
    const { owner, sign } = await recording(plane)
    await sign()
    const next = await owner(trail.rotateKey, {})
    await sweep(services, never)
    await sweep(services, never)
    const { items } = await owner(trail.digests, {})
    expect(items.map(({ kid }) => kid)).toEqual([next.kid, next.predecessor_kid, next.predecessor_kid])
  })

  test('goes on with the others when the trail of one is damaged', async () => {
    const damaged = await recording(plane)
    await damaged.record(3)
    await database`update events set leaf_hash = sha256(leaf_hash) where org_id = ${damaged.orgId}`
    const sound = await recording(plane)
    await sweep(services, never)
    expect(await newest(damaged.orgId)).toBeUndefined()
    expect((await newest(sound.orgId))?.number).toBe(0)
  })

  test('takes what was signed to the object store and the sinks', async () => {
    const { owner, orgId } = await recording(plane)
    const { id } = await owner(trail.createSink, { kind: 'file', settings: {} })
    await sweep(services, never)
    const digest = await newest(orgId)
    await vi.waitFor(
      async () => {
        expect(await services.objects.exists(digest?.storageKey ?? '')).toBe(true)
        const { items } = await owner(trail.sinks, {})
        expect(items).toMatchObject([{ id, last_size: digest?.treeSize, last_error: null }])
      },
      { timeout: 10_000 },
    )
  })
})

describe('a stop and a start', () => {
  test('stand in the record, and the closing digest covers everything', async () => {
    const { home, owner, record, sign, verify } = await recording(plane)
    await sign()
    await record(4)
    await closeTrails(services, never)
    await closeTrails(services, never)
    expect(await owner(trail.status, {})).toMatchObject({ undigested: 0, lag_seconds: 0 })
    expect((await home.recorded()).at(-1)).toBe('Keeptrusts trail.paused')
    await sweep(services, never)
    await sweep(services, never)
    expect((await home.recorded()).filter((entry) => /paused|resumed/.test(entry))).toEqual([
      'Keeptrusts trail.paused',
      'Keeptrusts trail.resumed',
    ])
    expect(found(await verify())).toEqual([])
  })
})

describe('a verification', () => {
  test('runs as a job and its result stays', async () => {
    const { owner, home, record, sign } = await recording(plane)
    await record(10)
    await sign()
    const asked = await owner(trail.verify, { start_time: '1h', deep_verify: true })
    expect(asked).toMatchObject({ state: 'queued', chain_integrity: null, result: null })
    await vi.waitFor(async () => expect((await owner(trail.verification, { id: asked.id })).state).toBe('done'), {
      timeout: 10_000,
    })
    expect(await owner(trail.verification, { id: asked.id })).toMatchObject({ chain_integrity: 'valid', error: null })
    expect((await owner(trail.verifications, {})).items.map(({ id }) => id)).toEqual([asked.id])
    expect((await home.recorded()).at(-1)).toBe('owner trail.verification_started')
  })

  test('answers at once when it is shallow, as the Python client asks for it', async () => {
    const { owner, sign } = await recording(plane)
    const digest = await sign()
    const now = Date.parse(digest.period_end)
    const given = {
      start_time: new Date(now - 3_600_000).toISOString(),
      end_time: digest.period_end,
      deep_verify: false,
    }
    expect(await owner(trail.verify, given)).toMatchObject({ state: 'done', chain_integrity: 'valid' })
  })

  test('of a time that no digest covers has no data; one that reaches beyond is incomplete', async () => {
    const { verify, sign } = await recording(plane)
    expect(await verify({ deep: false })).toMatchObject({ chain_integrity: 'no_data', found: null })
    const digest = await sign()
    await new Promise((resolve) => setTimeout(resolve, 20))
    const later = new Date(Date.parse(digest.period_end) + 10).toISOString()
    expect(await verify({ deep: false, end: later })).toMatchObject({ chain_integrity: 'incomplete', findings: [] })
    expect(await verify({ deep: false, end: digest.period_end })).toMatchObject({ chain_integrity: 'valid' })
  })

  test('that was cancelled is not done', async () => {
    // Nobody works here, so that it waits.
    const idle = await startControlPlane()
    onTestFinished(() => idle.stop())
    const { owner, sign } = await recording(idle)
    await sign()
    const { id, state } = await owner(trail.verify, { start_time: '1h', deep_verify: true })
    expect(state).toBe('queued')
    expect((await owner(trail.cancelVerification, { id })).state).toBe('cancelled')
    expect((await owner(trail.cancelVerification, { id })).state).toBe('cancelled')
  })

  test('refuses an end before its beginning, and a role that may not verify', async () => {
    const { owner, home } = await recording(plane)
    await expect(owner(trail.verify, { start_time: '1h', end_time: '2h' })).rejects.toMatchObject({
      code: 'invalid_request',
    })
    const viewer = await home.as('role_viewer')
    await expect(viewer(trail.verify, { start_time: '1h' })).rejects.toMatchObject({ code: 'forbidden' })
  })
})
