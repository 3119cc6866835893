import { expect, test } from 'vitest'
import { lintPolicyConfig } from '@/lib/policy/config'
import { STARTER_VERSION, starterConfiguration } from './starter-configuration'

test.each([{}, { OPENAI_API_KEY: 'sk-1' }])('what the first start makes is valid with %j', (env) => {
  const { config, diagnostics } = lintPolicyConfig(starterConfiguration(env as unknown as NodeJS.ProcessEnv))
  expect(diagnostics).toEqual([])
  expect(config?.pack.version).toBe(STARTER_VERSION)
  expect(config?.policies.chain).toContain('prompt-injection')
})
