import { expect, test } from 'vitest'
import { freePort } from '@/lib/free-port'
import { compileConfig } from '@/lib/policy/compile'
import { lintPolicyConfig } from '@/lib/policy/config'
import { HAS_REDIS, startRedis } from '../redis-testing'
import { postChat, startTestGateway } from '../testing'

const MINUTE = 60_000

test.skipIf(!HAS_REDIS)(
  'requests to two gateways pass one limit in Redis together, and are answered by their own when it dies',
  async () => {
    const port = await freePort()
    const stop = await startRedis(port)
    const { config } = lintPolicyConfig(
      'pack: {name: t, version: 1.0.0, enabled: true}\npolicies: {chain: []}\nproviders: {targets: [{id: s, provider: sandbox}]}\nlimits: {backend: redis, per_key: {rpm: 5, max_parallel_requests: 50}}\ngateway: {redis: {secret_key_ref: {env: R}}}',
    )
    if (config === null) throw new Error('no configuration')
    const compiled = compileConfig(config, { R: `redis://127.0.0.1:${port}` })
    const gateways = [await startTestGateway({ config: compiled }), await startTestGateway({ config: compiled })]
    const send = async (at: number, id: string) => {
      const gateway = gateways[at]
      if (!gateway) throw new Error('two gateways')
      const body = { model: 'sandbox', messages: [{ role: 'user', content: 'Hi' }] }
      return (await postChat(gateway.url, gateway.addKey({ token_id: id }), body)).status
    }
    try {
      const isShared = async (round: number) => {
        const statuses: number[] = []
        for (let i = 0; i < 12; i++) statuses.push(await send(i % 2, `tok_warm_${round}`))
        return statuses.filter((status) => status === 200).length
      }
      let round = 0
      // The first ones connect to Redis in passing, and are counted by each gateway until it is there.
      await expect.poll(() => isShared(round++), { timeout: 15_000, interval: 50 }).toBe(5)
      const leftMs = MINUTE - (Date.now() % MINUTE)
      if (leftMs < 3_000) await new Promise((resolve) => setTimeout(resolve, leftMs + 5))
      const statuses = await Promise.all(Array.from({ length: 30 }, (_, i) => send(i % 2, 'tok_shared')))
      expect(statuses.filter((status) => status === 200)).toHaveLength(5)
      expect(statuses.filter((status) => status === 429)).toHaveLength(25)
      await stop()
      await expect.poll(() => send(0, 'tok_later'), { timeout: 10_000 }).toBe(200)
      expect(gateways.flatMap(({ errors }) => errors)).toEqual([])
    } finally {
      await stop()
      for (const gateway of gateways) await gateway.close()
    }
  },
  60_000,
)
