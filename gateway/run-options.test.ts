import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { startLocalGateway } from './run'
import { settleOptions } from './run-options'
import { completionFrames, postChat, startUpstream } from './testing'

const settle = (environment: Record<string, string>) =>
  settleOptions({ listen: '127.0.0.1:0', gatewayId: 'gw', environment }, { controlPlane: undefined })

describe('how long requests under way are given when a gateway stops', () => {
  test.each([
    [undefined, 6_000],
    ['', 6_000],
    ['0', 0],
    ['300', 300_000],
    ['3600', 3_600_000],
  ])('KEEPTRUSTS_DRAIN_SECONDS %j is %d ms', (given, ms) => {
    expect(settle(given === undefined ? {} : { KEEPTRUSTS_DRAIN_SECONDS: given }).drainMs).toBe(ms)
  })

  test.each(['3601', '-1', '1.5', '6s', '1e3', 'NaN', '99999'])('%j is refused at the start', (given) => {
    expect(() => settle({ KEEPTRUSTS_DRAIN_SECONDS: given })).toThrow(/KEEPTRUSTS_DRAIN_SECONDS/)
  })

  test('a stream that would have ended within the usual time is cut off when there is none', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'kt-drain-'))
    const frames = completionFrames(['Hello'])
    const upstream = await startUpstream((response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      response.write(frames[0])
      setTimeout(() => response.end(frames.slice(1).join('')), 3_000)
    })
    const file = join(directory, 'policy-config.yaml')
    await writeFile(
      file,
      `pack: {name: t, version: 1.0.0, enabled: true}
policies: {chain: []}
gateway: {anonymous: loopback}
providers: {targets: [{id: t, provider: openai_compatible, base_url: '${upstream.url}', allow_private_network: true}]}`,
    )
    const gateway = await startLocalGateway({
      listen: '127.0.0.1:0',
      gatewayId: 'gw',
      dataDirectory: join(directory, 'data'),
      environment: { KEEPTRUSTS_DRAIN_SECONDS: '0' },
      policyConfigPath: file,
    })
    try {
      const answer = await postChat(`http://127.0.0.1:${gateway.port}`, null, {
        model: 'm',
        stream: true,
        messages: [{ role: 'user', content: 'Hi' }],
      })
      expect(answer.status).toBe(200)
      await gateway.stop('test')
      const text = await answer.text()
      expect(text).toContain('"not_ready"')
      expect(text).not.toContain('[DONE]')
    } finally {
      await gateway.stop('test')
      await upstream.close()
      await rm(directory, { recursive: true })
    }
  }, 30_000)
})
