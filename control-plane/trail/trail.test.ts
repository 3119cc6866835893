import { afterAll, describe, expect, test } from 'vitest'
import { trail } from '@/lib/contract/trail'
import { startControlPlane } from '../testing'

const plane = await startControlPlane()
afterAll(() => plane.stop())

describe('a digest', () => {
  test('covers everything that is recorded, and verifies', async () => {
    const organization = await plane.organization()
    const owner = await organization.as('role_owner')
    const first = await owner(trail.sign, {})
    expect(first).toMatchObject({ number: 0, seq_start: 1, tree_size: 1, event_count: 1 })
    const second = await owner(trail.sign, {})
    expect(second).toMatchObject({ number: 1, seq_start: 2 })
    const result = await owner(trail.verify, { start_time: '1h', deep_verify: true, wait: true })
    expect(result.result).toMatchObject({ chain_integrity: 'valid', findings: [] })
  })
})
