import { describe, expect, test } from 'vitest'
import { compileConfig } from '../compile'
import { lintPolicyConfig } from '../config'
import { TestCase } from '../config/suite'
import { runCase } from '../run-case'
import { TEMPLATES } from './all'

const NOW_MS = Date.UTC(2026, 0, 1)

describe.each(TEMPLATES.map((template) => [template.name, template] as const))('the template %s', (name, template) => {
  test('is valid without a warning and is named after itself', () => {
    const { config, diagnostics } = lintPolicyConfig(template.yaml)
    expect(diagnostics).toEqual([])
    expect(config?.pack.name).toBe(name)
  })

  test.each(template.tests.map((one) => [one.name, one] as const))('%s', async (_, one) => {
    const { config } = lintPolicyConfig(template.yaml)
    if (!config) throw new Error('it has errors')
    const result = await runCase(compileConfig(config, {}), TestCase.parse(one), NOW_MS)
    expect({ problems: result.problems, verdict: result.verdict, by: result.policy }).toMatchObject({ problems: [] })
  })
})

test('each template shows what it lets through and what it does not', () => {
  for (const { tests } of TEMPLATES) {
    expect(new Set(tests.map(({ expected }) => expected.verdict)).size).toBeGreaterThan(1)
    expect(new Set(tests.map(({ name }) => name)).size).toBe(tests.length)
  }
})
