import { expect, test } from 'vitest'
import { bedrockUrl, KNOWN_PROVIDERS } from '@/lib/policy/config/known-providers'
import { PROVIDERS } from './all'

const listed = PROVIDERS.filter(({ name }) => name !== 'openai-compatible')

test('a configuration knows the same providers as the gateway', () => {
  const inside = ['mcp', 'sandbox']
  expect([...KNOWN_PROVIDERS.keys()].filter((name) => !inside.includes(name)).sort()).toEqual(
    listed.map(({ name }) => name).sort(),
  )
})

test.each(listed.map((adapter) => [adapter.name, adapter] as const))(
  '%s has the same address, variable and header in both',
  (name, { baseUrl, env, auth }) => {
    const known = KNOWN_PROVIDERS.get(name)
    if (auth === 'aws_sigv4') {
      expect(bedrockUrl('{region}')).toBe(baseUrl)
      return
    }
    expect(known).toMatchObject({ baseUrl, env, apiKeyHeader: auth.header, apiKeyPrefix: auth.prefix.trim() })
  },
)
