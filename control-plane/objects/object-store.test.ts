import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { buffer, text } from 'node:stream/consumers'
import { DeleteObjectCommand, ListObjectVersionsCommand, S3Client } from '@aws-sdk/client-s3'
import { afterAll, describe, expect, test, vi } from 'vitest'
import { newId } from '@/lib/ids'
import { type ObjectStore, objectKey } from './object-store'
import { openObjectStore } from './open-object-store'
import { startS3 } from './testing'

const MIB = 1_024 * 1_024
const directory = await mkdtemp(join(tmpdir(), 'keeptrusts-objects-test-'))
const s3 = await startS3()
const run = randomBytes(4).toString('hex')
const plainBucket = `plain-${run}`
const lockedBucket = `locked-${run}`
if (s3) {
  vi.stubEnv('AWS_ACCESS_KEY_ID', s3.accessKeyId)
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', s3.secretAccessKey)
  await s3.bucket(plainBucket)
  await s3.bucket(lockedBucket, { lock: true })
}
const stores: ObjectStore[] = []
afterAll(async () => {
  for (const store of stores) await store.close()
  await s3?.stop()
  await rm(directory, { recursive: true })
})

const openS3 = async ({ bucket = plainBucket, prefix = '', endpoint = s3?.endpoint } = {}) => {
  const store = await openObjectStore({ kind: 's3', bucket, prefix, endpoint, region: 'us-east-1' })
  stores.push(store)
  return store
}
const WITHOUT_S3 = 'no S3 server: node scripts/test-setup.mjs installs one, or TEST_S3_URL names one'

const KINDS: [string, () => Promise<ObjectStore>][] = [
  ['disk', () => openObjectStore({ kind: 'disk', directory })],
  ['S3', () => openS3()],
  ['S3 below a prefix', () => openS3({ prefix: 'some/where' })],
]

describe.each(KINDS)('the object store on %s', (kind, open) => {
  const org = newId('org')
  const key = (name: string) => objectKey(org, name)
  const it = (name: string, work: (store: ObjectStore) => Promise<void>) =>
    test(name, async (ctx) => {
      ctx.skip(kind !== 'disk' && !s3, WITHOUT_S3)
      await work(await open())
    })

  it('keeps bytes, texts and streams of any length as they are', async (store) => {
    const large = randomBytes(20 * MIB + 1)
    const contents = [Buffer.alloc(0), Buffer.from([0, 255, 13, 10]), large]
    for (const content of contents) {
      expect(await store.put(key('bytes'), content)).toBe(content.length)
      expect((await store.bytes(key('bytes'), 64 * MIB)).equals(content)).toBe(true)
      expect(await store.put(key('stream'), Readable.from(piecesOf(content)))).toBe(content.length)
      expect((await buffer(await store.get(key('stream')))).equals(content)).toBe(true)
      expect(await store.size(key('stream'))).toBe(content.length)
    }
    await store.put(key('text'), 'grüße\u0000 🎉', { contentType: 'text/plain' })
    expect(await text(await store.get(key('text')))).toBe('grüße\u0000 🎉')
  })

  it('gives the latest of what was put under one key', async (store) => {
    await store.put(key('latest'), 'first, and longer')
    await store.put(key('latest'), 'second')
    expect((await store.bytes(key('latest'), 100)).toString()).toBe('second')
  })

  it('reads ranges as HTTP counts them', async (store) => {
    await store.put(key('range'), '0123456789')
    expect(await text(await store.get(key('range'), { start: 0, end: 0 }))).toBe('0')
    expect(await text(await store.get(key('range'), { start: 3, end: 5 }))).toBe('345')
    expect(await text(await store.get(key('range'), { start: 7 }))).toBe('789')
    expect(await text(await store.get(key('range'), { start: 8, end: 99 }))).toBe('89')
    await expect(store.get(key('range'), { start: 10 })).rejects.toMatchObject({ code: 'invalid_request' })
  })

  it('says that nothing is there, and deletes it gladly', async (store) => {
    await store.put(key('gone'), 'x')
    expect(await store.exists(key('gone'))).toBe(true)
    await store.delete(key('gone'))
    await store.delete(key('gone'))
    expect(await store.exists(key('gone'))).toBe(false)
    await expect(store.get(key('gone'))).rejects.toMatchObject({ code: 'not_found' })
    await expect(store.size(key('gone'))).rejects.toMatchObject({ code: 'not_found' })
    await expect(store.get(objectKey(org, 'never', 'was'))).rejects.toMatchObject({ code: 'not_found' })
  })

  it('reads no more into memory than was asked for', async (store) => {
    await store.put(key('much'), Buffer.alloc(1_001))
    await expect(store.bytes(key('much'), 1_000)).rejects.toMatchObject({ code: 'body_too_large' })
    expect(await store.bytes(key('much'), 1_001)).toHaveLength(1_001)
  })

  it('lists by pages, in the order of bytes, and only what is below the prefix', async (store) => {
    const own = newId('org')
    const names = ['a.d', 'a-b', 'a/c', 'a/c.d/e', 'a/b', 'b', 'z/z/z']
    for (const name of names) await store.put(`${own}/list/${name}`, name)
    await store.put(`${own}/other`, 'x')
    const listed: string[] = []
    let after: string | undefined
    do {
      const page = await store.list(`${own}/list/`, { limit: 2, after })
      expect(page.objects.length).toBeLessThanOrEqual(2)
      listed.push(...page.objects.map((object) => object.key))
      for (const object of page.objects) expect(object.size).toBe(object.key.length - `${own}/list/`.length)
      after = page.next ?? undefined
    } while (after)
    expect(listed).toEqual(names.toSorted().map((name) => `${own}/list/${name}`))
    expect((await store.list(`${own}/`)).objects).toHaveLength(8)
    expect(await store.list(`${newId('org')}/`)).toEqual({ objects: [], next: null })
  })

  it('shows nothing of an upload whose source fails or that is given up, and keeps what was there', async (store) => {
    await store.put(key('kept'), 'before')
    const broken = new Error('the source broke')
    const source = async function* () {
      for (let piece = 0; piece < 12; piece++) yield Buffer.alloc(MIB)
      throw broken
    }
    await expect(store.put(key('kept'), Readable.from(source()))).rejects.toBe(broken)
    await expect(store.put(key('new'), Readable.from(source()))).rejects.toBe(broken)

    const abort = new AbortController()
    const given = Readable.from(
      (async function* () {
        for (let piece = 0; ; piece++) {
          if (piece === 20) abort.abort(new Error('enough'))
          yield Buffer.alloc(MIB)
        }
      })(),
    )
    await expect(store.put(key('new'), given, { signal: abort.signal })).rejects.toThrow('enough')
    expect(given.destroyed).toBe(true)
    expect((await store.bytes(key('kept'), 100)).toString()).toBe('before')
    expect(await store.exists(key('new'))).toBe(false)
  })

  it('takes no key that is not of its own making', async (store) => {
    const hostile = [
      '',
      '/',
      org,
      `${org}/`,
      `${org}//a`,
      `${org}/../a`,
      `${org}/a/..`,
      `${org}/a..b`,
      `${org}/.a`,
      `${org}/a\\b`,
    ]
    hostile.push(
      `/${org}/a`,
      `${org}/A`,
      `${org}/a b`,
      `${org}/a\u0000`,
      `${org}/é`,
      `usr_1/a`,
      `${org}/${'a'.repeat(200)}`,
    )
    for (const bad of hostile) {
      await expect(store.put(bad, 'x'), bad).rejects.toThrow('No key of an object')
      await expect(store.get(bad), bad).rejects.toThrow('No key of an object')
      await expect(store.delete(bad), bad).rejects.toThrow('No key of an object')
    }
    await expect(store.list('')).rejects.toThrow('No prefix')
    await expect(store.list(`${org}/../`)).rejects.toThrow('No prefix')
  })

  it('can be checked before anything depends on it', async (store) => {
    await expect(store.check()).resolves.toBeUndefined()
  })
})

test('a directory serves nobody by itself, and retains nothing', async () => {
  const store = await openObjectStore({ kind: 'disk', directory })
  const key = objectKey(newId('org'), 'x')
  await store.put(key, 'x')
  expect(await store.signedUrl(key, 60, { filename: 'x.json' })).toBeNull()
  await expect(store.put(key, 'x', { retainUntil: new Date(Date.now() + 60_000) })).rejects.toThrow('cannot retain')
})

describe('S3', () => {
  const it = (name: string, work: () => Promise<void>) =>
    test(name, async (ctx) => {
      ctx.skip(!s3, WITHOUT_S3)
      await work()
    })

  it('signs addresses that serve one object as a download, for whoever has them whole', async () => {
    const store = await openS3({ prefix: 'signed' })
    const key = objectKey(newId('org'), 'export.json')
    await store.put(key, '{"a":1}')
    const url = (await store.signedUrl(key, 60, { filename: 'March "24"\r\n.json' })) ?? ''
    const answer = await s3?.open(url)
    expect(answer?.status).toBe(200)
    expect(await answer?.text()).toBe('{"a":1}')
    expect(answer?.headers.get('content-disposition')).toBe('attachment; filename="March__24___.json"')
    const forged = new URL(url)
    forged.searchParams.set('X-Amz-Signature', '0'.repeat(64))
    if (s3?.checksAddresses) expect((await fetch(forged)).status).toBe(403)
  })

  it('retains a version until its time, whoever deletes or replaces the object', async () => {
    const store = await openS3({ bucket: lockedBucket })
    const key = objectKey(newId('org'), 'checkpoint')
    await store.put(key, 'the first', { retainUntil: new Date(Date.now() + 3_600_000) })
    await store.put(key, 'another')
    await store.delete(key)
    const client = new S3Client({ endpoint: s3?.endpoint, region: 'us-east-1', forcePathStyle: true })
    const { Versions = [] } = await client.send(new ListObjectVersionsCommand({ Bucket: lockedBucket, Prefix: key }))
    const first = Versions.find(({ Size }) => Size === 'the first'.length)
    expect(first).toBeDefined()
    const erase = new DeleteObjectCommand({ Bucket: lockedBucket, Key: key, VersionId: first?.VersionId })
    await expect(client.send(erase)).rejects.toMatchObject({ name: 'AccessDenied' })
    client.destroy()
  })

  it('says what is wrong with a place, and never the secret', async () => {
    const key = objectKey(newId('org'), 'x')
    const nowhere = await openS3({ endpoint: 'http://127.0.0.1:1' })
    await expect(nowhere.check()).rejects.toMatchObject({
      code: 'unavailable',
      message: 'The object store cannot be reached now.',
      retryAfterSeconds: 5,
    })
    const none = await openS3({ bucket: `none-${run}` })
    await expect(none.put(key, 'x')).rejects.toThrow('The bucket of the object store does not exist.')
    const unlocked = await openS3()
    await expect(unlocked.put(key, 'x', { retainUntil: new Date(Date.now() + 60_000) })).rejects.toThrow(
      'no object lock',
    )

    const secret = 'a-secret-that-nobody-may-read'
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', secret)
    const stranger = await openS3()
    const refusal: unknown = await stranger.put(key, 'x').catch((error: unknown) => error)
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', s3?.secretAccessKey ?? '')
    expect(refusal).toMatchObject({ code: 'upstream_failed', message: 'The object store refuses our credentials.' })
    expect(everythingOf(refusal)).not.toMatch(new RegExp(`${secret}|${s3?.accessKeyId}|AWS4-HMAC`))
  })
})

/** Also what an error carries without showing it. */
function everythingOf(thrown: unknown): string {
  if (!(thrown instanceof Error)) return String(thrown)
  const own = Object.getOwnPropertyNames(thrown).map((name) => `${name}: ${JSON.stringify(Reflect.get(thrown, name))}`)
  return [...own, thrown.cause === undefined ? '' : everythingOf(thrown.cause)].join('\n')
}

function* piecesOf(content: Buffer): Generator<Buffer> {
  for (let at = 0; at < content.length; at += 100_000) yield content.subarray(at, at + 100_000)
}
