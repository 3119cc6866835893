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
