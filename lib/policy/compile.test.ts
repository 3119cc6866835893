import { describe, expect, test } from 'vitest'
import { type CompileEnvironment, compileConfig } from './compile'
import { lintPolicyConfig } from './config'

function compiled(targets: string, environment: CompileEnvironment = {}) {
  const yaml = `pack: { name: p, version: 1.0.0, enabled: true }\npolicies: { chain: [] }\nproviders:\n  targets:\n${targets}`
  const { config, diagnostics } = lintPolicyConfig(yaml)
  if (!config) throw new Error(JSON.stringify(diagnostics))
  return compileConfig(config, environment)
}
const only = (target: string, environment?: CompileEnvironment) => compiled(`    - ${target}\n`, environment).targets[0]

describe('a compiled target', () => {
  test('of OpenAI knows its address and finds its key by itself', () => {
    const target = only('{ id: a, provider: openai }', { OPENAI_API_KEY: ' sk-1\n' })
    expect(target).toMatchObject({
      models: ['*'],
      secret: 'sk-1',
      unavailable: null,
      apiKeyHeader: 'authorization',
      apiKeyPrefix: 'Bearer ',
    })
    expect(target?.baseUrl?.href).toBe('https://api.openai.com/v1')
  })

  test('never sends the key of OpenAI to another address unless told to', () => {
    const environment = { OPENAI_API_KEY: 'sk-1' }
    expect(only('{ id: a, provider: openai, base_url: https://x.example }', environment)?.secret).toBeNull()
    expect(
      only(
        '{ id: a, provider: openai, base_url: https://x.example, secret_key_ref: { env: OPENAI_API_KEY } }',
        environment,
      )?.secret,
    ).toBe('sk-1')
  })

  test.each([
    [undefined, /OPENAI_API_KEY is not set/],
    ['', /is not set/],
    ['a\r\nb', /cannot carry/],
  ])('with the secret %j is unavailable and says why; the others work', (value, reason) => {
    const { targets } = compiled(
      '    - { id: a, provider: openai }\n    - { id: b, provider: sandbox, models: [m] }\n',
      { OPENAI_API_KEY: value },
    )
    expect(targets[0]?.unavailable).toMatch(reason)
    expect(targets[1]).toMatchObject({ unavailable: null, baseUrl: null, secret: null, models: ['m'] })
  })

  test('takes no secret from the prototype of the environment', () => {
    expect(
      only('{ id: a, provider: x, base_url: https://x.example, secret_key_ref: { env: toString } }')?.unavailable,
    ).toMatch(/not set/)
  })

  test.each([
    ['api_key_header: X-Api-Key', 'x-api-key', ''],
    ['api_key_prefix: Token', 'authorization', 'Token '],
    ['api_key_prefix: ""', 'authorization', ''],
  ])('with %s sends its secret so', (text, apiKeyHeader, apiKeyPrefix) => {
    expect(only(`{ id: a, provider: openai, ${text} }`, { OPENAI_API_KEY: 'k' })).toMatchObject({
      apiKeyHeader,
      apiKeyPrefix,
    })
  })
})

describe('a compiled configuration', () => {
  const config = (text: string, environment: CompileEnvironment = {}) => {
    const head = 'pack: { name: p, version: 1.0.0, enabled: true }\n'
    const { config, diagnostics } = lintPolicyConfig(head + text)
    if (!config) throw new Error(JSON.stringify(diagnostics))
    return compileConfig(config, environment)
  }

  test('has its policies in the order of the chain', () => {
    const { kinds, chain } = config(
      'policies: { chain: [tool-budget, agent-firewall] }\npolicy: { tool-budget: { budgets: { a: { max_tokens: 1 } } }, agent-firewall: { allowed_tools: [a] } }\n',
    )
    expect(kinds).toEqual(['tool-budget', 'agent-firewall'])
    expect(chain.policies.map(({ kind }) => kind)).toEqual(kinds)
  })

  test('says how attempts follow each other, in units of code', () => {
    const { routing } = config(`policies: { chain: [] }
providers:
  routing: { strategy: weighted, sticky: conversation }
  fallback: { triggers: [rate_limit, timeout], max_fallback_attempts: 2 }
  retry: { budget_percent: 20 }
  circuit_breaker: { failure_threshold: 3, cooldown_seconds: 1.5, half_open_probes: 2, all_open: refuse }
`)
    expect(routing).toEqual({
      strategy: 'weighted',
      stickyByConversation: true,
      triggers: new Set(['rate_limited', 'timeout']),
      attemptsMax: 3,
      retryShare: 0.2,
      breaker: { failureThreshold: 3, cooldownMs: 1_500, halfOpenProbes: 2 },
      allOpen: 'refuse',
      healthMonitor: null,
    })
  })

  test('finds a model group by its name and by every alias', () => {
    const { modelGroups, targets } = config(`policies: { chain: [] }
providers:
  targets: [{ id: a, provider: openai, model: m }, { id: b, provider: openai, model: n }]
  model_groups:
    - { name: fast, aliases: [quick], targets: [a], fallback_group: slow }
    - { name: slow, targets: [b] }
`)
    expect(modelGroups.get('quick')).toEqual({ name: 'fast', tiers: [['a'], ['b']] })
    expect(modelGroups.get('slow')?.tiers).toEqual([['b']])
    expect(targets.map(({ modelMap }) => Object.fromEntries(modelMap))).toEqual([
      { fast: 'm', quick: 'm' },
      { fast: 'n', quick: 'n', slow: 'n' },
    ])
  })

  test('limits nothing that is not stated, and bounds sizes all the same', () => {
    const { limits, cache, mirror, network, redis } = config(
      'policies: { chain: [] }\nlimits: { per_key: { rpm: 60 } }\n',
    )
    expect(limits).toMatchObject({
      perKey: { rpm: 60, tpm: null, parallelMax: null },
      global: null,
      backend: 'memory',
      bodyBytesMax: 10_485_760,
    })
    expect({ cache, mirror, redis }).toEqual({ cache: null, mirror: null, redis: null })
    expect(network).toEqual({ trustProxyDepth: 0, privateHosts: [], ipAllowlist: null, cors: null })
  })

  test('knows the address of Redis by a secret only, and says when it is missing', () => {
    const text =
      'policies: { chain: [] }\ngateway: { redis: { secret_key_ref: { env: REDIS } } }\nlimits: { backend: redis }\n'
    expect(config(text, { REDIS: 'redis://:s@cache:6379' }).redis?.url).toBe('redis://:s@cache:6379')
    expect(config(text).redis).toEqual({ url: null, unavailable: expect.stringMatching(/REDIS is not set/) })
  })

  test.each([
    'no-url',
    'https://:pass-word@cache:6379',
    'redis://:pass-word@cache:65536',
    'redis://:pass%word@cache:6379',
    'redis://:pass-word@cache:6379/db',
  ])('an address that no client of Redis could read is none, and is not repeated: %s', (REDIS) => {
    const text = 'policies: { chain: [] }\ngateway: { redis: { secret_key_ref: { env: REDIS } } }\n'
    const { redis } = config(text, { REDIS })
    expect(redis).toEqual({ url: null, unavailable: expect.stringMatching(/^The value of REDIS is no address/) })
    expect(redis?.unavailable).not.toMatch(/pass/)
  })
})

describe('a target of a known provider', () => {
  test.each([
    ['anthropic', 'https://api.anthropic.com/', 'x-api-key', '', 'ANTHROPIC_API_KEY'],
    ['groq', 'https://api.groq.com/openai/v1', 'authorization', 'Bearer ', 'GROQ_API_KEY'],
  ])('%s knows its address, header and variable', (provider, url, apiKeyHeader, apiKeyPrefix, env) => {
    const target = only(`{ id: a, provider: ${provider} }`, { [env]: 'k' })
    expect(target).toMatchObject({ secret: 'k', apiKeyHeader, apiKeyPrefix, unavailable: null })
    expect(target?.baseUrl?.href).toBe(url)
  })

  test('Bedrock needs both halves of its key and knows its region', () => {
    const text = '{ id: a, provider: bedrock, region: eu-central-1 }'
    const keys = { AWS_ACCESS_KEY_ID: 'AK', AWS_SECRET_ACCESS_KEY: 'SK' }
    expect(only(text, keys)).toMatchObject({
      secret: 'SK',
      aws: { region: 'eu-central-1', accessKeyId: 'AK', sessionToken: null },
      unavailable: null,
    })
    expect(only(text, { AWS_SECRET_ACCESS_KEY: 'SK' })?.unavailable).toMatch(/AWS_ACCESS_KEY_ID is not set/)
  })

  test('several secrets are tried in order; it is unavailable when none is there', () => {
    const text = '{ id: a, provider: openai, secret_key_refs: [{ env: A }, { env: B }, { env: C }] }'
    expect(only(text, { A: 'a', C: 'c' })).toMatchObject({ secret: 'a', secrets: ['a', 'c'], unavailable: null })
    expect(only(text)?.unavailable).toMatch(/A is not set/)
  })

  test('serves the names of its model_map and says what the provider calls them', () => {
    const target = only('{ id: a, provider: openai, model: m, model_map: { ours: theirs } }')
    expect(target?.models).toEqual(['m', 'ours'])
    expect(target?.modelMap.get('ours')).toBe('theirs')
  })

  test('states prices as nano-dollars per million tokens', () => {
    const target = only(
      '{ id: a, provider: openai, pricing: { input_usd_per_million: 0.15, output_usd_per_million: 0.6 } }',
    )
    expect(target?.pricing).toEqual({
      inputNanos: 150_000_000n,
      outputNanos: 600_000_000n,
      cachedInputNanos: 150_000_000n,
    })
  })
})
