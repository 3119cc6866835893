import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { BundleSigner } from './fake-control-plane'
import { LastKnownGood } from './last-known-good'

const signer = new BundleSigner()
let root = ''
let count = 0
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'kt-lkg-'))
})
afterAll(() => rm(root, { recursive: true, force: true }))

async function newDisk() {
  const path = join(root, String(count++))
  const damaged: string[] = []
  const disk = new LastKnownGood(path, (file) => damaged.push(file))
  await disk.open()
  return { disk, path, damaged }
}

test('keeps the three newest bundles, newest first', async () => {
  const { disk } = await newDisk()
  for (const generation of [9, 10, 11, 12]) await disk.writeBundle(generation, signer.bundle({ generation }))
  const generations = (await disk.readBundles()).map(({ payload }) => JSON.parse(atob(payload)).generation)
  expect(generations).toEqual([12, 11, 10])
})

test('a file with any byte changed counts as absent and is named', async () => {
  const { disk, path, damaged } = await newDisk()
  await disk.writeBundle(1, signer.bundle())
  const [name = ''] = await readdir(join(path, 'bundles'))
  const file = join(path, 'bundles', name)
  const good = await readFile(file)
  for (const at of [0, 30, 64, 65, 80, Math.floor(good.length / 2), good.length - 1]) {
    const bad = Buffer.from(good)
    bad[at] = (bad[at] ?? 0) ^ 1
    await writeFile(file, bad)
    expect(await disk.readBundles()).toEqual([])
  }
  await writeFile(file, good.subarray(0, good.length / 2))
  expect(await disk.readBundles()).toEqual([])
  expect(damaged).toContain(file)
})

test('nobody else on the machine can read it, and nothing of an unfinished write is left', async () => {
  const { disk, path } = await newDisk()
  await disk.writePin({ kid: signer.kid, public_key: signer.publicKey })
  await disk.writeContactMs(5)
  const names = (await readdir(path)).sort()
  expect(names).toEqual(['bundles', 'contact', 'trusted-key'])
  expect((await stat(join(path, 'trusted-key'))).mode & 0o777).toBe(0o600)
  expect(await disk.readContactMs()).toBe(5)
  expect(await disk.readKeyring()).toBeNull()
})
