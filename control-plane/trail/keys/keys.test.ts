import { createPrivateKey, createPublicKey, verify as verifySignature } from 'node:crypto'
import { mkdtemp, readdir, readFile, rename, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { trail } from '@/lib/contract/trail'
import type { Database } from '../../database'
import { startControlPlane } from '../../testing'
import { signDigest } from '../digests/commands'
import { found, recording } from '../testing'
import { ensureKey } from './commands'
import { FileSigner } from './file-signer'

const directory = await mkdtemp(join(tmpdir(), 'keeptrusts-keys-'))
const plane = await startControlPlane()
plane.services.trailSigner = new FileSigner(directory)
afterAll(async () => {
  await plane.stop()
  await rm(directory, { recursive: true, force: true })
})

const filesOf = (orgId: string) => readdir(join(directory, orgId))

describe('the signing key', () => {
  test('is a file that only its owner reads, outside of the database', async () => {
    const { orgId, owner, sign } = await recording(plane)
    await sign()
    const key = await owner(trail.publicKey, {})
    expect(await filesOf(orgId)).toEqual([`${key.kid}.pem`])
    const path = join(directory, orgId, `${key.kid}.pem`)
    expect((await stat(path)).mode & 0o777).toBe(0o600)
    const pem = await readFile(path, 'utf8')
    expect(createPublicKey(createPrivateKey(pem)).export({ type: 'spki', format: 'pem' })).toBe(key.pem)
    expect(key.fingerprint.slice(0, 32)).toBe(key.kid)
    expect(key.note_key).toMatch(new RegExp(`^keeptrusts/${orgId}\\+[0-9a-f]{8}\\+`))
  })

  test('signs the exact text of a digest, so that OpenSSL says so too', async () => {
    const { owner, sign } = await recording(plane)
    const { body, signature } = await sign()
    const { pem } = await owner(trail.publicKey, {})
    expect(verifySignature(null, Buffer.from(body), pem, Buffer.from(signature, 'base64'))).toBe(true)
    expect(verifySignature(null, Buffer.from(`${body} `), pem, Buffer.from(signature, 'base64'))).toBe(false)
  })

  test('is made once, however many ask for it at the same time, and recorded', async () => {
    const { orgId, home } = await recording(plane)
    await Promise.all(Array.from({ length: 5 }, () => ensureKey(plane.services, orgId)))
    expect(await filesOf(orgId)).toHaveLength(1)
    expect((await home.recorded()).filter((entry) => entry.includes('trail.key'))).toEqual([
      'Keeptrusts trail.key_created',
    ])
  })

  test('is nowhere in the database', async () => {
    const { orgId, sign } = await recording(plane)
    await sign()
    const [file] = await filesOf(orgId)
    const key = createPrivateKey(await readFile(join(directory, orgId, file ?? '')))
    const seed = Buffer.from(String(key.export({ format: 'jwk' }).d), 'base64url')
    const tables = await plane.owner<{ name: string }[]>`
      select table_schema || '.' || table_name as name from information_schema.tables
      where table_schema in ('public', 'pgboss') and table_type = 'BASE TABLE'`
    expect(tables.length).toBeGreaterThan(20)
    for (const { name } of tables) {
      for (const text of [seed.toString('hex'), seed.toString('base64').slice(0, 40), 'PRIVATE KEY']) {
        const [hits] = await plane.owner.unsafe(
          `select count(*) as hits from ${name} t where strpos(t::text, '${text}') > 0`,
        )
        expect(hits?.hits, `${name} ${text}`).toBe('0')
      }
    }
  })

  test('that is away lets nothing be signed, and says so', async () => {
    const { orgId, owner, sign } = await recording(plane)
    await sign()
    const { kid } = await owner(trail.publicKey, {})
    const path = join(directory, orgId, `${kid}.pem`)
    await rename(path, `${path}.away`)
    plane.services.trailSigner = new FileSigner(directory)
    await expect(owner(trail.sign, {})).rejects.toMatchObject({ code: 'unavailable' })
    await expect(owner(trail.rotateKey, {})).rejects.toMatchObject({ code: 'unavailable' })
    expect(await owner(trail.status, {})).toMatchObject({ can_sign: false, key: { kid } })
    await rename(`${path}.away`, path)
    expect(await owner(trail.sign, {})).toMatchObject({ kid })
  })
})

describe('a rotation', () => {
  test('lets the old key sign the new one; after three, everything verifies', async () => {
    const { owner, record, sign, verify } = await recording(plane)
    for (let rotation = 0; rotation < 3; rotation++) {
      await record(3)
      await sign()
      await owner(trail.rotateKey, {})
    }
    await record(2)
    await sign()
    const { items } = await owner(trail.keys, {})
    expect(items).toHaveLength(4)
    expect(items.map(({ predecessor_kid }) => predecessor_kid)).toEqual([
      null,
      ...items.slice(0, 3).map(({ kid }) => kid),
    ])
    expect(items.filter(({ not_after }) => not_after === null)).toEqual([items[3]])
    expect(await verify()).toMatchObject({ chain_integrity: 'valid', findings: [], digests_verified: 7 })
  })

  test('signs with the present key first, and stands in the record with its statement', async () => {
    const { owner, home } = await recording(plane)
    const next = await owner(trail.rotateKey, {})
    const { items } = await owner(trail.digests, {})
    expect(items.map(({ kid }) => kid)).toEqual([next.predecessor_kid])
    expect((await home.recorded()).at(-1)).toBe('owner trail.key_rotated')
    const first = (await owner(trail.keys, {})).items[0]
    const statement = `keeptrusts key succession v1\nkeeptrusts/${home.orgId}\npredecessor ${first?.fingerprint}\nsuccessor ${next.fingerprint}\nnot_before ${next.not_before}\n`
    const signature = Buffer.from(next.predecessor_signature ?? '', 'base64')
    expect(verifySignature(null, Buffer.from(statement), first?.pem ?? '', signature)).toBe(true)
  })

  test('that was cut off after the new key was made leaves the old one in use', async () => {
    const { orgId, owner, sign, verify } = await recording(plane)
    await sign()
    const { kid } = await owner(trail.publicKey, {})
    await plane.services.trailSigner.create(orgId)
    expect(await owner(trail.sign, {})).toMatchObject({ kid })
    await owner(trail.rotateKey, {})
    expect(found(await verify())).toEqual([])
  })

  test('never lets a digest be signed by a key that came after its period', async () => {
    const { orgId, owner, record, sign, verify } = await recording(plane)
    await sign()
    await record(5)
    const { services } = plane
    const { db, trailSigner } = services
    const { promise: drawn, resolve: isDrawn } = Promise.withResolvers<void>()
    const { promise: rotated, resolve: isRotated } = Promise.withResolvers<void>()
    let transactions = 0
    const slow: Database = Object.assign(Object.create(db), {
      transaction: async (...[work, config]: Parameters<Database['transaction']>) => {
        transactions += 1
        // The third has drawn the end of the period.
        if (transactions === 4) {
          isDrawn()
          await rotated
        }
        return db.transaction(work, config)
      },
    })
    let late: Promise<unknown> | undefined
    services.trailSigner = {
      open: (org, kid) => trailSigner.open(org, kid),
      discard: (org, kid) => trailSigner.discard(org, kid),
      create: async (org) => {
        late = signDigest({ ...services, db: slow, trailSigner }, orgId)
        await drawn
        return trailSigner.create(org)
      },
    }
    await owner(trail.rotateKey, {})
    services.trailSigner = trailSigner
    isRotated()
    await late
    expect(await verify()).toMatchObject({ chain_integrity: 'valid', findings: [], digests_verified: 3 })
  })

  test('needs trail:write', async () => {
    const { home } = await recording(plane)
    const auditor = await home.as('role_auditor')
    await expect(auditor(trail.rotateKey, {})).rejects.toMatchObject({ code: 'forbidden' })
  })
})
