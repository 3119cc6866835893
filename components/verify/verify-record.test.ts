import { expect, test } from 'vitest'
import { originOf } from '@/lib/trail/checkpoint'
import { toBase64, toHex } from '@/lib/trail/encoding'
import { proveInclusion } from '@/lib/trail/proof'
import { makeTrail, ORG, type TestTrail } from '@/lib/trail/testing'
import { type RecordProof, verifyRecord } from './verify-record'

const SEQ = 5

const trail = await makeTrail({ periods: [4, 7], signer: (number) => number })

async function proofIn({ leaves, read, rootAt, checkpoint, keys }: TestTrail): Promise<RecordProof> {
  const size = leaves.length
  return {
    inclusion: {
      seq: SEQ,
      leaf_index: SEQ - 1,
      leaf_hash: toHex(leaves[SEQ - 1]?.leafHash ?? new Uint8Array()),
      tree_size: size,
      root_hash: toHex(rootAt(size)),
      proof: (await proveInclusion(SEQ - 1, size, read)).map(toBase64),
      checkpoint: checkpoint(size),
    },
    key: { origin: originOf(ORG), history: keys },
  }
}

const stored = trail.leaves[SEQ - 1]?.line ?? ''
const line = typeof stored === 'string' ? stored : new TextDecoder().decode(stored)
const failing = (checks: ReturnType<typeof verifyRecord>) =>
  checks.filter(({ state }) => state !== 'pass').map(({ name, state }) => [name, state])

test('a record that is shown as it was recorded holds in every check', async () => {
  const checks = verifyRecord({ line, seq: SEQ }, await proofIn(trail))
  expect(checks.map(({ name }) => name)).toEqual([
    'Leaf hash',
    'Place in the tree',
    'Signed checkpoint',
    'Signing keys',
  ])
  expect(failing(checks)).toEqual([])
})

test('one letter changed after it was recorded fails, also when the server answers with a hash that fits', async () => {
  const changed = line.replace('"name":"Ada"', '"name":"Eve"')
  expect(changed).not.toBe(line)
  const proof = await proofIn(trail)
  const both = [
    ['Leaf hash', 'fail'],
    ['Place in the tree', 'fail'],
  ]
  expect(failing(verifyRecord({ line: changed, seq: SEQ }, proof))).toEqual(both)

  const { leafHash } = await import('@/lib/trail/tree')
  const leaf_hash = toHex(leafHash(new TextEncoder().encode(changed)))
  const lying = { ...proof, inclusion: { ...proof.inclusion, leaf_hash } }
  expect(failing(verifyRecord({ line: changed, seq: SEQ }, lying))).toEqual([['Place in the tree', 'fail']])
})

test('a root that no key of the log has signed counts for nothing', async () => {
  const proof = await proofIn(trail)
  const stranger = await makeTrail({ periods: [4, 7], seed: 'stranger' })
  const inclusion = { ...proof.inclusion, checkpoint: stranger.checkpoint(11) }
  expect(failing(verifyRecord({ line, seq: SEQ }, { ...proof, inclusion }))).toEqual([
    ['Place in the tree', 'unknown'],
    ['Signed checkpoint', 'fail'],
  ])
})

test('keys that have not signed one another count for nothing', async () => {
  const proof = await proofIn(trail)
  const history = proof.key.history.map((key) => ({ ...key, predecessor_signature: key.predecessor_kid && 'AAAA' }))
  expect(failing(verifyRecord({ line, seq: SEQ }, { ...proof, key: { ...proof.key, history } }))).toContainEqual([
    'Signing keys',
    'fail',
  ])
})
