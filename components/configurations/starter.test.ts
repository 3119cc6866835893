import { expect, test } from 'vitest'
import { lintPolicyConfig } from '@/lib/policy/config'
import { starterYaml, withNextVersion } from './starter'

test.each(['Plain', 'with "quotes" and: colons', "it's # not a comment"])(
  'a new configuration named %s is valid',
  (name) => {
    const { config, diagnostics } = lintPolicyConfig(starterYaml(name))
    expect(diagnostics).toEqual([])
    expect(config?.pack.name).toBe(name)
  },
)

test('raising the version changes nothing else', () => {
  const yaml = starterYaml('a')
  expect(withNextVersion(yaml)).toBe(yaml.replace('version: 0.1.0', 'version: 0.1.1'))
})
