import { spawn } from 'node:child_process'
import { cp, mkdtemp, open, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { build } from 'esbuild'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { type DiskSpool, openSpool, type SpoolDamage } from './spool'
import { appended } from './spool-port'

let root = ''
let count = 0
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'kt-spool-'))
})
afterAll(() => rm(root, { recursive: true, force: true }))
const newDirectory = () => join(root, String(count++))

async function readAll(spool: DiskSpool, recordsMax = 7): Promise<string[]> {
  const records: string[] = []
  for (;;) {
    const batch = await spool.read({ recordsMax, bytesMax: 65_536 })
    if (!batch) return records
    records.push(...batch.records.map(String))
    await spool.acknowledge(batch)
  }
}

const segmentsIn = async (directory: string) =>
  (await readdir(directory)).filter((name) => name.endsWith('.seg')).sort()

describe('the spool', () => {
  test('gives back every record once, byte for byte and in order, and forgets what was acknowledged', async () => {
    const directory = newDirectory()
    const records = ['{"a":1}', 'x'.repeat(300_000), '\ufeffπ😀', Buffer.from([1, 2, 3]), '']
    const spool = await openSpool({ directory, segmentBytes: 100_000 })
    await Promise.all(records.map((record) => appended(spool, record)))
    expect(spool.depth).toBe(5)
    expect(await readAll(spool, 2)).toEqual(records.map(String))
    expect({ depth: spool.depth, bytes: spool.bytes <= 100_000 }).toEqual({ depth: 0, bytes: true })
    await spool.close()
    const again = await openSpool({ directory })
    expect(await readAll(again)).toEqual([])
    await again.close()
  })

  test('reads the same records again until they are acknowledged, also after a restart', async () => {
    const directory = newDirectory()
    const spool = await openSpool({ directory })
    for (const record of ['1', '2', '3', '4']) await appended(spool, record)
    const first = await spool.read({ recordsMax: 2, bytesMax: 1_000 })
    expect(first?.records.map(String)).toEqual(['1', '2'])
    expect((await spool.read({ recordsMax: 2, bytesMax: 1_000 }))?.records.map(String)).toEqual(['1', '2'])
    if (first) await spool.acknowledge(first)
    await spool.close()
    const again = await openSpool({ directory })
    expect(again.depth).toBe(2)
    expect(await readAll(again)).toEqual(['3', '4'])
    await again.close()
  })

  test('counts gateway_seq up across restarts, also when all records and the cursor are gone', async () => {
    const directory = newDirectory()
    const spool = await openSpool({ directory })
    for (let at = 0; at < 3; at++) await appended(spool, `${spool.nextSeq()}`)
    await readAll(spool)
    await spool.close()
    await rm(join(directory, 'cursor'))
    const again = await openSpool({ directory })
    expect(again.nextSeq()).toBe(4)
    await again.close()
  })

  test('is full before the cap, refuses at the cap, and has room again after delivery', async () => {
    const spool = await openSpool({ directory: newDirectory(), bytesMax: 160_000 })
    const record = 'r'.repeat(1_000)
    while (!spool.full) await appended(spool, record)
    const refused = await (async () => {
      for (;;) await appended(spool, record)
    })().catch((error) => error)
    expect(refused).toMatchObject({ name: 'SpoolError', code: 'full' })
    const kept = await readAll(spool)
    expect(kept.length).toBeGreaterThan(140)
    expect(spool.full).toBe(false)
    await appended(spool, record)
    await spool.close()
  })

  test('says what it is when it is closed, and when a record is too large', async () => {
    const spool = await openSpool({ directory: newDirectory() })
    await expect(appended(spool, Buffer.alloc(16 * 1_048_576 + 1))).rejects.toMatchObject({ code: 'too_large' })
    await spool.close()
    await expect(appended(spool, 'late')).rejects.toMatchObject({ code: 'closed' })
  })

  test('a disk without space: the record is refused, what was kept stays, and it goes on when there is space', async () => {
    const directory = newDirectory()
    const spool = await openSpool({ directory })
    await appended(spool, 'before')
    const probe = await open(join(directory, 'cursor'))
    const noSpace = vi.spyOn(Object.getPrototypeOf(probe), 'write')
    await probe.close()
    noSpace.mockRejectedValueOnce(Object.assign(new Error('no space left on device'), { code: 'ENOSPC' }))
    await expect(appended(spool, 'lost')).rejects.toMatchObject({ name: 'SpoolError', code: 'full' })
    expect(spool.full).toBe(true)
    await appended(spool, 'after')
    noSpace.mockRestore()
    expect(spool.full).toBe(false)
    expect(await readAll(spool)).toEqual(['before', 'after'])
    await spool.close()
  })

  test('a record larger than a read still comes out', async () => {
    const spool = await openSpool({ directory: newDirectory() })
    const record = 'y'.repeat(500_000)
    await appended(spool, record)
    await appended(spool, 'z')
    expect(await readAll(spool)).toEqual([record, 'z'])
    await spool.close()
  })

  test('a reader that keeps up, falls behind and catches up gets every record once, and in order', async () => {
    const spool = await openSpool({ directory: newDirectory(), segmentBytes: 1_000_000 })
    const written: string[] = []
    const read: string[] = []
    const write = async (records: number, bytes: number) => {
      const more = Array.from({ length: records }, (_, n) => `${written.length + n} ${'w'.repeat(bytes)}`)
      written.push(...more)
      await Promise.all(more.map((record) => appended(spool, record)))
    }
    const readSome = async (recordsMax: number) => {
      const batch = await spool.read({ recordsMax, bytesMax: 65_536 })
      if (batch === null) return
      read.push(...batch.records.map(String))
      await spool.acknowledge(batch)
    }
    for (let turn = 0; turn < 20; turn++) {
      await write(7, 100)
      await readSome(5)
    }
    for (let turn = 0; turn < 30; turn++) await write(50, 5_000) // 7.5 MB, more than is kept in memory
    for (let turn = 0; turn < 40; turn++) {
      await write(3, 3_000)
      await readSome(11)
    }
    read.push(...(await readAll(spool, 13)))
    expect(read).toEqual(written)
    await spool.close()
  })

  test('tells a waiting reader when something arrives', async () => {
    const spool = await openSpool({ directory: newDirectory() })
    const arrival = spool.arrival().then(() => spool.read({ recordsMax: 1, bytesMax: 100 }))
    await appended(spool, 'here')
    expect((await arrival)?.records.map(String)).toEqual(['here'])
    await spool.close()
  })
})

describe('a damaged spool', () => {
  const RECORDS = Array.from({ length: 40 }, (_, at) => `{"n":${at},"text":"${'t'.repeat(at * 7)}"}`)
  let pristine = ''
  let size = 0
  beforeAll(async () => {
    pristine = newDirectory()
    const spool = await openSpool({ directory: pristine })
    for (const record of RECORDS) await appended(spool, record)
    await spool.close()
    const [segment = ''] = await segmentsIn(pristine)
    size = (await readFile(join(pristine, segment))).length
  })

  async function recoverAfter(damage: (segment: string) => Promise<void>) {
    const directory = newDirectory()
    await cp(pristine, directory, { recursive: true })
    const [segment = ''] = await segmentsIn(directory)
    await damage(join(directory, segment))
    const found: SpoolDamage[] = []
    const spool = await openSpool({ directory, onDamage: (it) => found.push(it) })
    await appended(spool, 'after')
    const depth = spool.depth
    const records = await readAll(spool)
    await spool.close()
    return { records, found, depth }
  }

  test('cut anywhere: all whole records stay, the torn one is reported', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: size - 1 }), async (length) => {
        const { records, found, depth } = await recoverAfter((path) => truncate(path, length))
        expect(records.at(-1)).toBe('after')
        expect(records.slice(0, -1)).toEqual(RECORDS.slice(0, records.length - 1))
        expect(depth).toBe(records.length)
        expect(found.every(({ kind }) => kind === 'torn_tail')).toBe(true)
      }),
      { numRuns: 60 },
    )
  })

  test('any byte changed: at most the records it touches are lost, never a wrong one given back', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: size - 1 }), fc.integer({ min: 1, max: 255 }), async (at, flip) => {
        const { records, found } = await recoverAfter(async (path) => {
          const bytes = await readFile(path)
          bytes[at] = (bytes[at] ?? 0) ^ flip
          await writeFile(path, bytes)
        })
        const missing = RECORDS.filter((record) => !records.includes(record))
        expect(records).toEqual([...RECORDS.filter((record) => records.includes(record)), 'after'])
        expect(missing.length).toBeLessThanOrEqual(1)
        expect(found.length > 0).toBe(missing.length > 0)
      }),
      { numRuns: 80 },
    )
  })

  test('any stretch overwritten: the records around it are found again', async () => {
    const stretch = fc.tuple(fc.integer({ min: 0, max: size - 1 }), fc.uint8Array({ minLength: 1, maxLength: 900 }))
    await fc.assert(
      fc.asyncProperty(stretch, async ([at, noise]) => {
        const { records } = await recoverAfter(async (path) => {
          const bytes = await readFile(path)
          bytes.set(noise.subarray(0, bytes.length - at), at)
          await writeFile(path, bytes)
        })
        expect(records).toEqual([...RECORDS.filter((record) => records.includes(record)), 'after'])
      }),
      { numRuns: 60 },
    )
  })

  test('a cursor that is gone or garbled costs a second delivery and nothing else', async () => {
    const { records } = await recoverAfter((path) => writeFile(join(path, '..', 'cursor'), 'nonsense\n{'))
    expect(records).toEqual([...RECORDS, 'after'])
  })
})

test('room that was set aside and not used is no damage, and no records, to whoever finds it', async () => {
  const directory = newDirectory()
  const spool = await openSpool({ directory, segmentBytes: 65_536 })
  const records: string[] = []
  const sizesIn = async (path: string) =>
    Promise.all((await segmentsIn(path)).map(async (name) => (await stat(join(path, name))).size))
  while (!(await sizesIn(directory)).includes(65_536)) {
    records.push(`${records.length} ${'r'.repeat(700)}`)
    await appended(spool, records.at(-1) ?? '')
  }
  const found = newDirectory() // as after kill -9: nobody closed anything
  await cp(directory, found, { recursive: true })
  await spool.close()
  expect(await sizesIn(directory)).not.toContain(65_536)
  const damage: SpoolDamage[] = []
  const again = await openSpool({ directory: found, onDamage: (it) => damage.push(it) })
  expect(again.depth).toBe(records.length)
  expect(await readAll(again)).toEqual(records)
  expect(damage).toEqual([])
  await again.close()
})

describe('kill -9 under load', () => {
  test('no acknowledged record is lost or doubled, and gateway_seq is never given twice, over 60 kills', async () => {
    const script = join(root, 'child.mjs')
    await build({
      stdin: { contents: CHILD, resolveDir: import.meta.dirname, loader: 'ts' },
      bundle: true,
      platform: 'node',
      format: 'esm',
      outfile: script,
      logLevel: 'error',
    })
    const directory = newDirectory()
    const acknowledged: string[] = []
    for (let kill = 0; kill < 60; kill++) {
      acknowledged.push(...(await killUnderLoad(spawnChild(script, directory), 5 + ((kill * 7) % 40))))
    }
    const spool = await openSpool({ directory })
    const records = await readAll(spool, 500)
    await spool.close()
    const numbers = records.map((record) => Number(record.split(' ')[0]))
    expect(acknowledged.length).toBeGreaterThan(1_000)
    const kept = new Set(records)
    expect(acknowledged.filter((record) => !kept.has(record))).toEqual([])
    expect(kept.size).toBe(records.length)
    expect(new Set(numbers).size).toBe(numbers.length)
  }, 60_000)
})

/** Appends as fast as it can and says on standard output what was acknowledged. */
const CHILD = `
import { writeSync } from 'node:fs'
import { openSpool } from './spool'
import { appended } from './spool-port'
const spool = await openSpool({ directory: process.argv[2] ?? '', segmentBytes: 65_536 })
for (let worker = 0; worker < 16; worker++) {
  void (async () => {
    for (let n = 0; ; n++) {
      const record = spool.nextSeq() + ' ' + process.pid + '-' + worker + '-' + n + ' ' + 'p'.repeat(n % 400)
      await appended(spool, record)
      writeSync(1, record + '\\n')
    }
  })()
}
`

const spawnChild = (script: string, directory: string) =>
  spawn(process.execPath, [script, directory], { stdio: ['ignore', 'pipe', 'inherit'] })

/** Lets it work for a while once it works at all; returns what it had acknowledged. */
function killUnderLoad(child: ReturnType<typeof spawnChild>, afterMs: number): Promise<string[]> {
  return new Promise((resolve) => {
    let text = ''
    child.stdout.once('data', () => setTimeout(() => child.kill('SIGKILL'), afterMs))
    child.stdout.on('data', (chunk: Buffer) => {
      text += chunk.toString('utf8')
    })
    child.once('close', () => resolve(text.split('\n').slice(0, -1)))
  })
}
