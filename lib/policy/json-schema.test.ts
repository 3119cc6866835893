import Ajv2020 from 'ajv/dist/2020'
import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { lintPolicyConfig } from './config'
import { policyConfigJsonSchema } from './json-schema'
import { TEMPLATES } from './templates/all'

const schema = policyConfigJsonSchema()
const ajv = new Ajv2020({ strict: false, validateFormats: false })
const isValid = ajv.compile(schema)

test.each(TEMPLATES.map(({ name, yaml }) => [name, yaml] as const))('the template %s is valid by it too', (_, yaml) => {
  isValid(parse(yaml))
  expect(isValid.errors ?? []).toEqual([])
})

const BASE = { pack: { name: 'a', version: '1.0.0', enabled: true }, policies: { chain: [] } }

test.each([
  ['an unknown key', { ...BASE, polcy: {} }],
  ['an unknown kind', { ...BASE, policies: { chain: ['nothing'] } }],
  ['a mistyped choice', { ...BASE, providers: { routing: { strategy: 'fastest' } } }],
  ['what this release does not enforce', { ...BASE, callbacks: [] }],
])('it refuses %s, as the linter does', (_, value) => {
  expect(isValid(value)).toBe(false)
  expect(lintPolicyConfig(JSON.stringify(value)).config).toBeNull()
})
