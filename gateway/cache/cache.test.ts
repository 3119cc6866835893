import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { freePort } from '@/lib/free-port'
import { HAS_REDIS, startRedis } from '../redis-testing'
import { type CachedAnswer, cacheKeyOf, decodeAnswer, encodeAnswer } from './answer-cache'
import { DiskCache } from './disk-cache'
import { MemoryCache } from './memory-cache'
import { RedisCache } from './redis-cache'

const answer = (body: string): CachedAnswer => ({
  contentType: 'application/json',
  body: Buffer.from(body),
  model: 'gpt-5.4-mini',
  provider: 'sandbox',
  targetId: 'sandbox',
  tokens: { input: 1, output: 2, cached: 0, reasoning: 0 },
})
const PARTS = {
  orgId: 'org_1',
  holder: 'key tok_1',
  configuration: 'a',
  apiShape: 'openai_chat',
  headers: '[]',
  body: Buffer.from('{}'),
}
const KEY = cacheKeyOf(PARTS)

describe('the key of an answer', () => {
  test.each(['orgId', 'holder', 'configuration', 'apiShape', 'headers'] as const)('differs by %s', (part) => {
    expect(cacheKeyOf({ ...PARTS, [part]: 'other' })).not.toBe(KEY)
  })

  test('differs by every byte of the body, and a part cannot pass for another', () => {
    expect(cacheKeyOf({ ...PARTS, body: Buffer.from('{} ') })).not.toBe(KEY)
    expect(cacheKeyOf({ ...PARTS, orgId: 'a', holder: 'bc' })).not.toBe(
      cacheKeyOf({ ...PARTS, orgId: 'ab', holder: 'c' }),
    )
  })
})

describe('an answer in memory', () => {
  test('comes back whole, until its time is over', async () => {
    let nowMs = 1_000
    const cache = new MemoryCache(10_000, 100, () => nowMs)
    await cache.put(KEY, answer('hello'), 30)
    nowMs = 1_030
    expect(await cache.get(KEY)).toEqual(answer('hello'))
    nowMs = 1_031
    expect(await cache.get(KEY)).toBeNull()
  })

  test('gives way to newer ones when there is no room', async () => {
    const cache = new MemoryCache(3_000, 100)
    for (const key of ['a', 'b', 'c']) await cache.put(key, answer('x'.repeat(900)), 60_000)
    expect(await cache.get('a')).toBeNull()
    expect(await cache.get('c')).not.toBeNull()
  })
})

describe('an answer on disk', () => {
  let directory = ''
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'kt-cache-'))
  })
  afterAll(() => rm(directory, { recursive: true }))

  test('survives the process, and no longer than its time', async () => {
    let nowMs = 1_000
    await new DiskCache(directory, 1_000_000, 100, () => nowMs).put(KEY, answer('hello'), 500)
    const again = new DiskCache(directory, 1_000_000, 100, () => nowMs)
    expect(await again.get(KEY)).toEqual(answer('hello'))
    nowMs = 1_500
    expect(await again.get(KEY)).toBeNull()
  })

  test('that was damaged is a miss', async () => {
    const cache = new DiskCache(directory, 1_000_000, 100)
    await cache.put(KEY, answer('hello'), 60_000)
    const path = join(directory, KEY.slice(0, 2), KEY)
    const bytes = await readFile(path)
    bytes[bytes.length - 1] = 0x21
    await writeFile(path, bytes)
    expect(await cache.get(KEY)).toBeNull()
    await writeFile(path, 'no line at all')
    expect(await cache.get(KEY)).toBeNull()
  })

  test('gives way when the directory is full, and a first start finds none', async () => {
    const cache = new DiskCache(directory, 4_000, 100)
    for (let i = 0; i < 8; i++)
      await cache.put(cacheKeyOf({ ...PARTS, holder: `${i}` }), answer('x'.repeat(900)), 60_000)
    await cache.makeRoom()
    const files = (await readdir(directory, { recursive: true })).filter((name) => name.includes('/'))
    expect(files.length).toBeLessThanOrEqual(4)
    expect(await new DiskCache(join(directory, 'nowhere'), 1, 1).get(KEY)).toBeNull()
  })

  test('gives way again after room could not be made once', async () => {
    const cache = new DiskCache(directory, 1_000_000, 100)
    const makeRoom = vi.spyOn(cache, 'makeRoom').mockRejectedValueOnce(new Error('EIO'))
    for (let i = 0; i < 600; i++) await cache.put(KEY, answer('x'), 60_000).catch(() => {})
    expect(makeRoom).toHaveBeenCalledTimes(2)
    await cache.put(KEY, answer('x'), 60_000)
  })
})

describe('an encoded answer', () => {
  test('is read by no other program as ours', () => {
    expect(decodeAnswer(Buffer.from('{}\n'), 0)).toBeNull()
    expect(decodeAnswer(Buffer.from('{"a":1}\nbody'), 0)).toBeNull()
    expect(decodeAnswer(encodeAnswer(answer('hello'), 10), 9)).toEqual(answer('hello'))
  })
})

describe.skipIf(!HAS_REDIS)('an answer in Redis', () => {
  test('is shared by gateways, bound in time, and a server that is gone is a miss', async () => {
    const port = await freePort()
    const stop = await startRedis(port)
    const errors: Error[] = []
    const [writer, reader] = [0, 1].map(
      () => new RedisCache(`redis://127.0.0.1:${port}`, (error) => errors.push(error)),
    )
    if (!writer || !reader) throw new Error('two caches')
    try {
      await expect
        .poll(
          async () => {
            await writer.put(KEY, answer('hello'), 60_000)
            return reader.get(KEY)
          },
          { timeout: 15_000 },
        )
        .toEqual(answer('hello'))
      await writer.put('short', answer('brief'), 20)
      await expect.poll(() => reader.get('short'), { timeout: 15_000 }).toBeNull()
    } finally {
      await stop()
    }
    await expect.poll(() => reader.get(KEY).catch(() => null)).toBeNull()
    await Promise.all([writer.close(), reader.close()])
  })
})
