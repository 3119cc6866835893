import { describe, expect, test } from 'vitest'
import { type CompiledConfig, compileConfig, type Target } from './compile'
import { PolicyConfig } from './config/schema'
import { decide, visibleModels } from './decide'

const target = (id: string, provider: string, models: string[], unavailable: string | null = null): Target => ({
  id,
  provider,
  models,
  unavailable,
  baseUrl: null,
  modelMap: new Map(),
  secret: null,
  secrets: [],
  apiKeyHeader: 'authorization',
  apiKeyPrefix: 'Bearer ',
  headers: {},
  timeoutMs: 1_000,
  weight: 1,
  dataPolicy: { zeroDataRetention: false, trainingOptOut: false, retentionDays: null },
  pricing: null,
  allowPrivateNetwork: false,
  azure: null,
  aws: null,
})
const EMPTY = { pack: { name: 'p', version: '1.0.0', enabled: true }, policies: { chain: [] } }
const config = (...targets: Target[]): CompiledConfig => ({
  ...compileConfig(PolicyConfig.parse(EMPTY), {}),
  targets,
})
const two = config(target('a', 'openai', ['gpt-4o', 'o3']), target('b', 'azure', ['gpt-4o']))
const open = { allowedModels: null, allowedProviders: null }

describe('decide', () => {
  test('allows every target that serves the model, in declared order', () => {
    const decision = decide({ model: 'gpt-4o', ...open }, two)
    expect(decision).toMatchObject({ verdict: 'allow', targets: [{ id: 'a' }, { id: 'b' }] })
  })

  test('blocks a model outside of the scope before it says whether anyone serves it', () => {
    const scope = { allowedModels: ['gpt-4o'], allowedProviders: null }
    expect(decide({ model: 'o3', ...scope }, two)).toMatchObject({ code: 'model_not_allowed' })
    expect(decide({ model: 'nothing', ...scope }, two)).toMatchObject({ code: 'model_not_allowed' })
  })

  test('an empty list allows nothing; names match exactly', () => {
    expect(decide({ model: 'gpt-4o', allowedModels: [], allowedProviders: null }, two)).toMatchObject({
      verdict: 'block',
    })
    expect(decide({ model: 'gpt-4o', allowedModels: null, allowedProviders: [] }, two)).toMatchObject({
      verdict: 'block',
    })
    expect(decide({ model: 'GPT-4o', allowedModels: ['gpt-4o'], allowedProviders: null }, two)).toMatchObject({
      verdict: 'block',
    })
    expect(decide({ model: 'gpt-4o-2', allowedModels: ['gpt-4o'], allowedProviders: null }, two)).toMatchObject({
      verdict: 'block',
    })
  })

  test('keeps only allowed providers, and blocks when none is left', () => {
    const azure = { allowedModels: null, allowedProviders: ['azure'] }
    expect(decide({ model: 'gpt-4o', ...azure }, two)).toMatchObject({ verdict: 'allow', targets: [{ id: 'b' }] })
    expect(decide({ model: 'o3', ...azure }, two)).toMatchObject({ code: 'provider_not_allowed' })
  })

  test('a target with * serves any model', () => {
    expect(decide({ model: 'anything', ...open }, config(target('s', 'sandbox', ['*'])))).toMatchObject({
      verdict: 'allow',
    })
    expect(decide({ model: 'anything', ...open }, two)).toMatchObject({ code: 'model_not_found' })
  })
})

describe('visible models', () => {
  test('are the usable ones within the scope, each once', () => {
    expect(visibleModels(open, two).map(({ id }) => id)).toEqual(['gpt-4o', 'o3'])
    expect(visibleModels({ allowedModels: ['o3'], allowedProviders: null }, two)).toEqual([
      { id: 'o3', provider: 'openai' },
    ])
    expect(visibleModels({ allowedModels: null, allowedProviders: ['azure'] }, two)).toEqual([
      { id: 'gpt-4o', provider: 'azure' },
    ])
    expect(visibleModels(open, config(target('a', 'openai', ['gpt-4o'], 'OPENAI_API_KEY is not set')))).toEqual([])
  })

  test('of a target that serves any are those that the key names', () => {
    const any = config(target('s', 'sandbox', ['*', 'sandbox']))
    expect(visibleModels(open, any).map(({ id }) => id)).toEqual(['sandbox'])
    expect(visibleModels({ allowedModels: ['x', 'y'], allowedProviders: null }, any).map(({ id }) => id)).toEqual([
      'x',
      'y',
    ])
  })
})

describe('a model group', () => {
  const grouped = compileConfig(
    PolicyConfig.parse({
      ...EMPTY,
      providers: {
        targets: [
          { id: 'any', provider: 'any', base_url: 'https://a.example' },
          { id: 'slow', provider: 'b', base_url: 'https://b.example', model: 'm2' },
          { id: 'fast', provider: 'c', base_url: 'https://c.example', model: 'm1' },
        ],
        model_groups: [
          { name: 'quick', aliases: ['speedy'], targets: ['fast'], fallback_group: 'steady' },
          { name: 'steady', targets: ['slow'] },
        ],
      },
    }),
    {},
  )
  const idsOf = (model: string, scope: Partial<typeof open> = {}) => {
    const decision = decide({ model, ...open, ...scope }, grouped)
    return decision.verdict === 'allow' ? decision.tiers.map((tier) => tier.map(({ id }) => id)) : decision.code
  }

  test('is answered by its targets, then by those of its fallback group, and by nobody else', () => {
    expect(idsOf('quick')).toEqual([['fast'], ['slow']])
    expect(idsOf('speedy')).toEqual([['fast'], ['slow']])
    expect(idsOf('steady')).toEqual([['slow']])
    expect(idsOf('other')).toEqual([['any']])
  })

  test('stays within what the key may use, by its own name', () => {
    expect(idsOf('quick', { allowedProviders: ['b'] as never })).toEqual([['slow']])
    expect(idsOf('quick', { allowedProviders: ['any'] as never })).toBe('provider_not_allowed')
    expect(idsOf('quick', { allowedModels: ['m1'] as never })).toBe('model_not_allowed')
  })

  test('is listed beside the models', () => {
    expect(visibleModels(open, grouped).map(({ id }) => id)).toEqual(['m1', 'm2', 'quick', 'speedy', 'steady'])
  })
})
