import { expect, test } from 'vitest'
import { compileBundle, verifyBundle } from './bundle'
import { BundleSigner, STARTER_YAML } from './fake-control-plane'
import { postChat, startTestGateway } from './testing'

const signer = new BundleSigner()
const RELOADS = 10_000
const GENERATIONS = 400

/** Everything about a generation carries its number: version, target, and the model that it serves. */
const yamlOf = (generation: number) =>
  STARTER_YAML(`0.${generation}.0`).replace(
    '    - id: sandbox\n',
    `    - id: target-${generation}\n      models: [gpt-test, only-${generation}]\n`,
  )

function configOf(generation: number) {
  const version = `0.${generation}.0`
  const bundle = signer.bundle({ generation }, yamlOf(generation), version)
  const verified = verifyBundle(bundle, {
    pinned: { kid: signer.kid, public_key: signer.publicKey },
    gatewayId: 'gw_test',
    orgId: 'org_test',
    running: null,
    gatewayVersion: '0.1.0',
  })
  const compiled = compileBundle(verified, {})
  return { compiled, id: 'cfg_test', name: 'starter', version, generation, source: 'live' as const }
}

test('over 10,000 reloads in random order under load, each answer is explained by exactly one generation', async () => {
  const gateway = await startTestGateway()
  try {
    const secret = gateway.addKey()
    const configs = Array.from({ length: GENERATIONS }, (_, index) => configOf(index + 1))
    gateway.store.swap({ config: configs[0] })
    let reloads = 0
    const headers = new Map<string, { version: string; stream: boolean }>()
    const callers = Array.from({ length: 12 }, async (_, caller) => {
      while (reloads < RELOADS) {
        const stream = caller % 2 === 0
        const body = { model: 'gpt-test', stream, messages: [{ role: 'user', content: 'Hi' }] }
        const response = await postChat(gateway.url, secret, body)
        await response.text()
        expect(response.status).toBe(200)
        const version = response.headers.get('x-keeptrusts-config-version') ?? ''
        headers.set(response.headers.get('x-keeptrusts-event-id') ?? '', { version, stream })
      }
    })
    const reloader = (async () => {
      let state = 1
      while (reloads < RELOADS) {
        // As many as come in one turn, so that some fall between the steps of a request.
        for (let n = 0; n < 4; n++, reloads++) {
          state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
          gateway.store.swap({ config: configs[(state >>> 8) % GENERATIONS] })
        }
        await new Promise((resolve) => setImmediate(resolve))
      }
    })()
    await Promise.all([reloader, ...callers])

    const events = gateway.events()
    expect(events.length).toBe(headers.size)
    expect(events.length).toBeGreaterThan(300)
    for (const event of events) {
      const generation = /^0\.(\d+)\.0$/.exec(event.config_version ?? '')?.[1]
      expect(headers.get(event.event_id)?.version).toBe(event.config_version)
      expect(event.target_id).toBe(`target-${generation}`)
      expect(event.attempts.map((attempt) => attempt.target_id)).toEqual([`target-${generation}`])
    }
    expect(new Set(events.map((event) => event.config_version)).size).toBeGreaterThan(100)
    expect(gateway.errors).toEqual([])
  } finally {
    await gateway.close()
  }
}, 120_000)
