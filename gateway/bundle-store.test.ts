import { cp, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Accident, Died, FailingDisk } from './failing-disk'
import { BundleSigner, STARTER_YAML } from './fake-control-plane'
import { type Keyring, LastKnownGood } from './last-known-good'
import { startManagedGateway } from './run'

const signer = new BundleSigner()
let root = ''
let count = 0
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'kt-store-'))
})
afterAll(() => rm(root, { recursive: true, force: true }))

const keyring: Keyring = {
  org_id: 'org_test',
  settings: { payload_capture: 'none', max_offline_key_age_seconds: 86_400 },
  keys_revision: 1,
  keys: [],
  clock_offset_ms: 0,
}
const bundleOf = (generation: number) =>
  signer.bundle({ generation }, STARTER_YAML(`0.${generation}.0`), `0.${generation}.0`)

/** What a gateway writes in its life, one after the other; a failed write is reported and the next one is made. */
async function live(disk: LastKnownGood, generations: number[]): Promise<number> {
  let durable = 0
  const attempt = async (write: () => Promise<void>) => {
    try {
      await write()
      return true
    } catch (cause) {
      if (cause instanceof Died) throw cause
      return false
    }
  }
  try {
    await attempt(() => disk.writePin({ kid: signer.kid, public_key: signer.publicKey }))
    for (const generation of generations) {
      await attempt(() => disk.writeKeyring(keyring))
      await attempt(() => disk.writeContactMs(Date.now()))
      if (await attempt(() => disk.writeBundle(generation, bundleOf(generation)))) durable = generation
    }
  } catch (cause) {
    if (!(cause instanceof Died)) throw cause
  }
  return durable
}

/** Starts a gateway on what is left, with no control plane. */
async function startOn(dataDirectory: string): Promise<{ version: string } | { exitCode: number }> {
  try {
    const gateway = await startManagedGateway({
      listen: '127.0.0.1:0',
      gatewayId: 'gw_test',
      apiUrl: 'http://127.0.0.1:9',
      token: 'kt_ak_test',
      environment: {},
      dataDirectory,
      log: pino({ level: 'silent' }),
    })
    const config = await fetch(`http://127.0.0.1:${gateway.port}/keeptrusts/config`)
    const { pack } = (await config.json()) as { pack: { version: string } }
    await gateway.stop('test')
    return { version: pack.version }
  } catch (cause) {
    if (cause instanceof Error && 'exitCode' in cause) return { exitCode: Number(cause.exitCode) }
    throw cause
  }
}

async function after(accident: Accident | null, generations: number[], before?: string) {
  const path = join(root, String(count++))
  if (before) await cp(before, path, { recursive: true })
  const files = new FailingDisk(accident)
  const disk = new LastKnownGood(path, () => {}, files)
  await disk.open()
  return { path, files, durable: await live(disk, generations) }
}

const KINDS = ['eio', 'killed', 'power_cut'] as const

test.each(KINDS)(
  'whichever write meets it, after %s every start has the newest bundle that was kept, or a newer one',
  async (kind) => {
    const before = await after(null, [1, 2, 3])
    const whole = await after(null, [4, 5], before.path)
    expect(whole.files.operations).toBeGreaterThan(30)
    for (let at = 1; at <= whole.files.operations; at++) {
      const { path, durable, files } = await after({ at, kind }, [4, 5], before.path)
      expect(files.isDead).toBe(kind !== 'eio')
      const started = await startOn(path)
      expect(started, `${kind} at operation ${at}`).toHaveProperty('version')
      const generation = 'version' in started ? Number(started.version.split('.')[1]) : 0
      expect(generation).toBeGreaterThanOrEqual(Math.max(3, durable))
    }
  },
  120_000,
)

test.each(KINDS)(
  'a first start that met %s has its bundle next time, or ends with 5',
  async (kind) => {
    const whole = await after(null, [1])
    const results = new Set<string>()
    for (let at = 1; at <= whole.files.operations; at++) {
      const { path, durable } = await after({ at, kind }, [1])
      const started = await startOn(path)
      results.add(JSON.stringify(started))
      if (durable === 1 && kind !== 'eio') expect(started).toEqual({ version: '0.1.0' })
    }
    expect([...results].sort()).toEqual(['{"exitCode":5}', '{"version":"0.1.0"}'])
  },
  120_000,
)

test('whichever file is damaged or gone, the newest whole bundle starts, and without one the start ends with 5', async () => {
  const before = await after(null, [1, 2, 3])
  const names = (await readdir(join(before.path, 'bundles'))).sort().reverse()
  const spoil = {
    gone: (path: string) => rm(path),
    empty: (path: string) => writeFile(path, ''),
    'another file': (path: string) => writeFile(path, `${'0'.repeat(64)}\n{}`),
  }
  for (const [how, change] of Object.entries(spoil)) {
    for (const [spoiled, version] of ['0.3.0', '0.2.0', '0.1.0', null].entries()) {
      const { path } = await after(null, [], before.path)
      for (const name of names.slice(0, spoiled)) await change(join(path, 'bundles', name))
      expect(await startOn(path), `${how}: ${spoiled}`).toEqual(version ? { version } : { exitCode: 5 })
    }
    for (const file of ['trusted-key', 'keyring', 'contact']) {
      const { path } = await after(null, [], before.path)
      await rm(join(path, file))
      if (how !== 'gone') await change(join(path, file)).catch(() => writeFile(join(path, file), ''))
      expect(await startOn(path), `${how}: ${file}`).toEqual(
        file === 'trusted-key' ? { exitCode: 5 } : { version: '0.3.0' },
      )
    }
  }
}, 60_000)
