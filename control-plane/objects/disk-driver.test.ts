import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdir, mkdtemp, readdir, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { setTimeout as delay } from 'node:timers/promises'
import { promisify } from 'node:util'
import { build } from 'esbuild'
import { afterAll, expect, test } from 'vitest'
import { newId } from '@/lib/ids'
import { objectKey } from './object-store'
import { openObjectStore } from './open-object-store'

const run = promisify(execFile)
const directory = await mkdtemp(join(tmpdir(), 'keeptrusts-disk-test-'))
afterAll(() => rm(directory, { recursive: true }))
const open = (name: string) => openObjectStore({ kind: 'disk', directory: join(directory, name) })
const MIB = 1_024 * 1_024

test('nobody else on the machine can read objects', async () => {
  const store = await open('modes')
  const key = objectKey(newId('org'), 'payloads', 'x')
  await store.put(key, 'secret')
  const root = join(directory, 'modes')
  const modeOf = async (path: string) => ((await stat(path)).mode & 0o777).toString(8)
  expect(await modeOf(join(root, key))).toBe('600')
  for (const made of [root, join(root, '.unfinished'), join(root, key, '..'), join(root, key, '..', '..')]) {
    expect(await modeOf(made), made).toBe('700')
  }
})

test('a process that is killed while it writes leaves the old object or none, and what it left is removed later', async () => {
  const store = await open('killed')
  const org = newId('org')
  const kept = objectKey(org, 'kept')
  const fresh = objectKey(org, 'fresh')
  const root = join(directory, 'killed')
  await store.put(kept, 'as it was')
  const program = await programThatWrites()
  for (const key of [kept, fresh]) {
    const child = spawn(process.execPath, [program, root, key], { stdio: ['ignore', 'pipe', 'inherit'] })
    const gone = once(child, 'exit')
    try {
      await untilItHasWritten(root, 3 * MIB)
    } finally {
      child.kill('SIGKILL')
      await gone
    }
  }
  expect((await store.bytes(kept, 100)).toString()).toBe('as it was')
  expect(await store.exists(fresh)).toBe(false)
  expect((await store.list(`${org}/`)).objects).toEqual([{ key: kept, size: 9 }])

  const unfinished = join(root, '.unfinished')
  const left = await readdir(unfinished)
  expect(left).toHaveLength(2)
  await open('killed')
  expect(await readdir(unfinished), 'somebody may still be writing them').toHaveLength(2)
  const longAgo = new Date(Date.now() - 2 * 3_600_000)
  for (const name of left) await utimes(join(unfinished, name), longAgo, longAgo)
  await open('killed')
  expect(await readdir(unfinished)).toEqual([])
})

test('a full disk is said as such, leaves nothing behind, and is used again once there is room', async (ctx) => {
  const small = join(directory, 'small')
  await mkdir(small)
  ctx.skip(!(await mounts('size=4m', small)), 'a small file system can be mounted by root only')
  try {
    const store = await openObjectStore({ kind: 'disk', directory: join(small, 'objects') })
    const org = newId('org')
    const large = objectKey(org, 'large')
    await store.put(objectKey(org, 'first'), Buffer.alloc(2 * MIB))
    const full = { code: 'unavailable', message: 'The object store has no space left.', retryAfterSeconds: 30 }
    await expect(store.put(large, Buffer.alloc(3 * MIB))).rejects.toMatchObject(full)
    await expect(store.put(large, Readable.from([Buffer.alloc(MIB), Buffer.alloc(2 * MIB)]))).rejects.toMatchObject(
      full,
    )
    const endless = Readable.from(Array.from({ length: 100 }, () => Buffer.alloc(MIB)))
    await expect(store.put(large, endless)).rejects.toMatchObject(full)
    expect(await readdir(join(small, 'objects', '.unfinished'))).toEqual([])
    expect((await store.list(`${org}/`)).objects).toHaveLength(1)
    await store.delete(objectKey(org, 'first'))
    expect(await store.put(large, Buffer.alloc(3 * MIB))).toBe(3 * MIB)
  } finally {
    await run('umount', [small])
  }
})

test('a place that is no directory is refused when it is opened', async () => {
  await writeFile(join(directory, 'file'), '')
  await expect(open('file')).rejects.toThrow('The directory of the object store cannot be made.')
})

test('a place that can only be read is refused when it is opened', async (ctx) => {
  const closed = join(directory, 'closed')
  await mkdir(closed)
  const isRoot = process.getuid?.() === 0
  if (!isRoot) await chmod(closed, 0o500)
  const isClosed = !isRoot || (await mounts('ro', closed))
  ctx.skip(!isClosed, 'root may write everywhere, and nothing can be mounted here')
  try {
    await expect(open('closed')).rejects.toMatchObject({
      code: 'upstream_failed',
      message: expect.stringMatching(/^The object store (may not be written|can only be read)/),
    })
  } finally {
    if (isRoot) await run('umount', [closed])
  }
})

const mounts = (options: string, path: string) =>
  run('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', path]).then(
    () => true,
    () => false,
  )

/** A program that puts an object under a key and does not come to its end. */
async function programThatWrites(): Promise<string> {
  const outfile = join(directory, 'writes.mjs')
  await build({
    stdin: {
      contents: `
        import { Readable } from 'node:stream'
        import { DiskDriver } from './disk-driver'
        import { ObjectStore } from './object-store'
        const [root, key] = process.argv.slice(2)
        const store = new ObjectStore(await DiskDriver.open(root))
        const unending = async function* () {
          for (let piece = 0; piece < 64; piece++) yield Buffer.alloc(${MIB}, 'x')
          await new Promise((resolve) => setTimeout(resolve, 60_000))
        }
        await store.put(key, Readable.from(unending()))`,
      resolveDir: import.meta.dirname,
      loader: 'ts',
    },
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    alias: { '@': join(import.meta.dirname, '..', '..') },
    banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url)" },
    logLevel: 'error',
  })
  return outfile
}

async function untilItHasWritten(root: string, bytes: number): Promise<void> {
  for (let look = 0; look < 1_000; look++) {
    for (const name of await readdir(join(root, '.unfinished'))) {
      const { size } = await stat(join(root, '.unfinished', name))
      if (size >= bytes && !seen.has(name)) return void seen.add(name)
    }
    await delay(10)
  }
  throw new Error('Nothing is being written.')
}
const seen = new Set<string>()
