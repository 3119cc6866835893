import { describe, expect, test } from 'vitest'
import { compileConfig } from './compile'
import { PolicyConfig } from './config/schema'
import { scopeOf } from './scope'

const config = compileConfig(
  PolicyConfig.parse({
    pack: { name: 'p', version: '1.0.0', enabled: true },
    policies: { chain: ['audit-logger'] },
    routes: [
      { name: 'v1', path: '/v1', targets: ['a'] },
      { name: 'chat', path: '/v1/chat', methods: ['POST'], chain: ['audit-logger', 'tool-security'] },
    ],
    consumer_groups: [
      { name: 'apps', token_names: ['app'], allowed_models: ['m'], chain: [] },
      { name: 'team', team_ids: ['team_1'] },
    ],
  }),
  {},
)
const request = { method: 'POST', path: '/v1/embeddings', tokenName: null, teamId: null }

describe('what applies to a request', () => {
  test('is what the configuration says, when no rule fits', () => {
    expect(scopeOf(config, { ...request, path: '/mcp/a' })).toEqual({
      route: null,
      group: null,
      chain: config.chain,
      kinds: ['audit-logger'],
      targets: null,
      allowedModels: null,
    })
  })

  test('is the longest path that fits, step by step and with its method', () => {
    const routeOf = (path: string, method = 'POST') => scopeOf(config, { ...request, path, method }).route
    expect(routeOf('/v1/chat/completions')).toBe('chat')
    expect(routeOf('/v1/chat/completions', 'GET')).toBe('v1')
    expect(routeOf('/v1/chatter')).toBe('v1')
    expect(routeOf('/v10')).toBeNull()
    expect(scopeOf(config, request).targets).toEqual(['a'])
  })

  test('is that of the group of the key, where the route does not say otherwise', () => {
    const grouped = scopeOf(config, { ...request, tokenName: 'app' })
    expect(grouped).toMatchObject({ group: 'apps', kinds: [], allowedModels: ['m'] })
    expect(grouped.chain.policies).toEqual([])
    expect(scopeOf(config, { ...request, path: '/v1/chat', tokenName: 'app' }).kinds).toHaveLength(2)
    expect(scopeOf(config, { ...request, teamId: 'team_1' })).toMatchObject({ group: 'team', kinds: ['audit-logger'] })
  })
})
