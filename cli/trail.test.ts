import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { z } from 'zod'
import { trail } from '@/lib/contract/trail'
import type { ChainIntegrity, TrailDigestSummary, Verification } from '@/lib/contract/trail-shapes'
import { bundledKt, contractServer } from './testing'

const bench = bundledKt()
const server = contractServer()
const kt = (...args: string[]) =>
  bench.kt(args, { env: { KEEPTRUSTS_API_URL: server.url, KEEPTRUSTS_API_TOKEN: 'kt_ak_test' } })

const STATUS = trail.status.example.output as z.input<typeof trail.status.output>
const CHECKPOINT = trail.checkpoint.example.output as z.input<typeof trail.checkpoint.output>
const DONE = trail.verification.example.output as Verification
const UNDER_WAY: Verification = { ...DONE, state: 'running', chain_integrity: null, result: null }
const ended = (chain_integrity: ChainIntegrity, findings: Verification['findings'] = []): Verification => ({
  ...DONE,
  chain_integrity,
  result: DONE.result && { ...DONE.result, chain_integrity, findings },
})

test('status says how far the record is signed; an alarm makes it fail', async () => {
  server.on(trail.status, () => STATUS)
  const calm = await kt('trail', 'status')
  expect(calm.code).toBe(0)
  expect(calm.stdout).toMatch(
    /^Records {6}64, 4 not covered by a digest yet\nLast digest {2}2026-04-23T10:00:00Z, number 7/,
  )

  const alarm = { message: 'Record 42 was changed.', raised_at: '2026-04-23T10:00:00.000000Z' }
  server.on(trail.status, () => ({ ...STATUS, alarm, next_digest_due_at: null }))
  const alarmed = await kt('trail', 'status')
  expect(alarmed).toMatchObject({ code: 1, stdout: expect.stringMatching(/^ALARM {8}Record 42 was changed\./) })
})

test('digests are listed in the range that is asked for, and one is shown whole', async () => {
  const item = (trail.digests.example.output as { items: TrailDigestSummary[] }).items[0] as TrailDigestSummary
  server.on(trail.digests, () => ({ items: [item], next_cursor: null }))
  server.on(trail.digest, () => trail.digest.example.output as never)

  expect((await kt('trail', 'digests', '--since', '7d')).stdout).toContain(item.digest_id)
  expect(server.asked[0]).toMatchObject({ name: 'trail.digests', input: { since: '7d' } })
  expect(JSON.parse((await kt('trail', 'digest', item.digest_id)).stdout)).toEqual(trail.digest.example.output)
})

test('checkpoint prints the note byte for byte, so that it can be kept in a file', async () => {
  server.on(trail.checkpoint, () => CHECKPOINT)
  expect((await kt('trail', 'checkpoint')).stdout).toBe(CHECKPOINT.note)
  expect(JSON.parse((await kt('trail', 'checkpoint', '--json', '--tree-size', '60')).stdout)).toEqual(CHECKPOINT)
  expect(server.asked.at(-1)?.input).toEqual({ tree_size: 60 })
})

test('verify asks until the result is there, with the checkpoint of a file', async () => {
  await writeFile(join(bench.home, 'kept.txt'), CHECKPOINT.note)
  let asked = 0
  server.on(trail.verify, () => ({ ...UNDER_WAY, state: 'queued' as const }))
  server.on(trail.verification, () => (++asked < 3 ? UNDER_WAY : ended('valid')))

  const { code, stdout } = await kt('trail', 'verify', '--since', '7d', '--deep', '--checkpoint', 'kept.txt')

  expect(code).toBe(0)
  expect(stdout).toMatch(/^Chain {8}valid\n/)
  expect(server.asked[0]?.input).toMatchObject({
    start_time: '7d',
    deep_verify: true,
    known_checkpoint: await readFile(join(bench.home, 'kept.txt'), 'utf8'),
  })
})

test.each(['invalid', 'incomplete', 'no_data'] as const)(
  'a record that is %s ends verify with 1 and names what was found',
  async (state) => {
    server.on(trail.verify, () =>
      ended(state, [{ state: 'EVENT_MODIFIED', severity: 'error', seq: 42, message: 'It does not hash to its leaf.' }]),
    )
    const { code, stdout } = await kt('trail', 'verify')
    expect(code).toBe(1)
    expect(stdout).toContain(`Chain        ${state}\n`)
    expect(stdout).toContain('EVENT_MODIFIED  42  It does not hash to its leaf.\n')
  },
)

test('a verification that fails says why and ends with 1', async () => {
  server.on(trail.verify, () => ({ ...UNDER_WAY, state: 'failed' as const, error: 'The database is away.' }))
  expect(await kt('trail', 'verify')).toMatchObject({
    code: 1,
    stdout: '',
    stderr: expect.stringContaining('The database is away.'),
  })
})

test('the key is rotated only by somebody who says so', async () => {
  server.on(trail.rotateKey, () => trail.rotateKey.example.output as never)
  server.on(trail.publicKey, () => trail.publicKey.example.output as never)

  expect((await kt('trail', 'rotate-key')).code).toBe(2)
  expect(server.asked).toEqual([])
  expect((await kt('trail', 'rotate-key', '--yes')).code).toBe(0)
  expect((await kt('trail', 'key')).stdout).toMatch(/^Fingerprint {2}[0-9a-f]{64}\n[\s\S]*-----BEGIN PUBLIC KEY-----/)
})
