import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Diagnostic } from '@/lib/contract/configurations'
import { lintPolicyConfig } from './config'
import { policyConfigJsonSchema } from './json-schema'

const HEAD = 'pack:\n  name: production\n  version: 0.3.0\n  enabled: true\npolicies:\n  chain: []\n'
const TARGET = `${HEAD}providers:\n  targets:\n    - id: openai\n      provider: openai\n`
/** `code line:column path [suggestion]` of every finding. */
const found = (yaml: string) =>
  lintPolicyConfig(yaml).diagnostics.map(
    ({ code, line, column, path, suggestion }) =>
      `${code} ${line}:${column} ${path}${suggestion ? ` [${suggestion}]` : ''}`,
  )

describe('a policy-config.yaml', () => {
  test('that is right has no findings, and reads as what it says', () => {
    const yaml = `${TARGET}      models: [gpt-4o, gpt-4o-mini]\n      secret_key_ref: { env: OPENAI_API_KEY }\n      timeout_ms: 60000\ngateway:\n  anonymous: loopback\n`
    const { config, diagnostics } = lintPolicyConfig(yaml)
    expect(diagnostics).toEqual([])
    expect(config).toMatchObject({ pack: { version: '0.3.0' }, gateway: { anonymous: 'loopback' } })
  })

  test('without targets is usable and warned about', () => {
    const { config, diagnostics } = lintPolicyConfig(HEAD)
    expect(config).not.toBeNull()
    expect(diagnostics).toMatchObject([{ severity: 'warning', code: 'W001' }])
  })

  test.each([
    ['unknown kind in the chain', HEAD.replace('[]', '[mind-reader]'), 'E001 6:11 policies.chain[0]'],
    ['unknown kind with a block', `${TARGET}policy:\n  mind-reader: {}\n`, 'E001 12:3 policy.mind-reader'],
    ['unknown key at the top', `${TARGET}polcy: {}\n`, 'E002 11:1 polcy [policy]'],
    ['unknown key of a target', `${TARGET}      modles: [a]\n`, 'E002 11:7 providers.targets[0].modles [models]'],
    ['an id used twice', `${TARGET}    - id: openai\n      provider: openai\n`, 'E005 11:11 providers.targets[1].id'],
    ['a missing key', TARGET.replace('  enabled: true\n', ''), 'E007 2:3 pack.enabled'],
    ['a version that is a number', TARGET.replace('0.3.0', '0.3'), 'E008 3:12 pack.version'],
    ['a version that is no SemVer', TARGET.replace('0.3.0', 'v1'), 'E008 3:12 pack.version'],
    ['a mistyped choice', `${TARGET}gateway: { anonymous: lopback }\n`, 'E008 11:23 gateway.anonymous [loopback]'],
    ['both model and models', `${TARGET}      model: a\n      models: [b]\n`, 'E010 12:15 providers.targets[0].models'],
    [
      'an unknown provider without address',
      TARGET.replace('provider: openai', 'provider: opneai'),
      'E007 10:17 providers.targets[0].provider [openai]',
    ],
    [
      'a sandbox with an address',
      TARGET.replace('provider: openai', 'provider: sandbox\n      base_url: https://a.example'),
      'E010 11:17 providers.targets[0].base_url',
    ],
    ['a policy that needs settings and has none', HEAD.replace('[]', '[tool-budget]'), 'E003 6:11 policies.chain[0]'],
    [
      'a policy twice',
      `${HEAD.replace('[]', '[tool-budget, tool-budget]')}policy: { tool-budget: {} }\n`,
      'E005 6:24 policies.chain[1]',
    ],
    ['a mistyped kind', HEAD.replace('[]', '[tool-bugdet]'), 'E001 6:11 policies.chain[0] [tool-budget]'],
    [
      'a mistyped key of a policy',
      `${TARGET}policy: { tool-budget: { bugdets: {} } }\n`,
      'E002 11:26 policy.tool-budget.bugdets [budgets]',
    ],
    [
      'a mistyped key below a name of the author',
      `${TARGET}policy: { tool-budget: { budgets: { search: { max_token: 1 } } } }\n`,
      'E002 11:47 policy.tool-budget.budgets.search.max_token [max_tokens]',
    ],
    [
      'a group with an unknown target',
      `${TARGET}      model: a\n  model_groups: [{ name: fast, targets: [opnai] }]\n`,
      'E004 12:42 providers.model_groups[0].targets[0] [openai]',
    ],
    [
      'a group with an unknown fallback group',
      `${TARGET}      model: a\n  model_groups: [{ name: fast, targets: [openai], fallback_group: fats }]\n`,
      'E004 12:67 providers.model_groups[0].fallback_group [fast]',
    ],
    [
      'fallback groups in a circle',
      `${TARGET}      model: a\n  model_groups: [{ name: fast, targets: [openai], fallback_group: fast }]\n`,
      'E010 12:67 providers.model_groups[0].fallback_group',
    ],
    [
      'a group whose name is taken by an alias',
      `${TARGET}      model: a\n  model_groups: [{ name: x, aliases: [x], targets: [openai] }]\n`,
      'E005 12:39 providers.model_groups[0].aliases[0]',
    ],
    [
      'a group of a target that serves any model',
      `${TARGET}  model_groups: [{ name: fast, targets: [openai] }]\n`,
      'E010 11:42 providers.model_groups[0].targets[0]',
    ],
    ['a mirror that is no target', `${TARGET}mirror: { target: shadow }\n`, 'E004 11:19 mirror.target'],
    ['Redis without address', `${TARGET}limits: { backend: redis }\n`, 'E004 11:20 limits.backend'],
    ['a limit that limits nothing', `${TARGET}limits: { per_key: {} }\n`, 'E007 11:20 limits.per_key'],
    ['what is planned', `${TARGET}agents: []\n`, 'E009 11:1 agents'],
    [
      'credentials for every origin',
      `${TARGET}network: { cors: { allow_origins: ["*"], credentials: true } }\n`,
      'E010 11:35 network.cors.allow_origins',
    ],
    [
      'a mistyped key of one of several forms',
      `${TARGET}policy: { external-moderation: { endpoint: https://a.example, secret_key_ref: { evn: A } } }\n`,
      'E002 11:81 policy.external-moderation.secret_key_ref.evn [env]',
    ],
    [
      'a stored secret of a policy',
      `${TARGET}policy: { external-moderation: { endpoint: https://a.example, secret_key_ref: { store: a } } }\n`,
      'E009 11:81 policy.external-moderation.secret_key_ref.store [env]',
    ],
    [
      "a policy that would send the gateway's own secret",
      `${TARGET}policy: { external-moderation: { endpoint: https://a.example, secret_key_ref: { env: DATABASE_URL } } }\n`,
      'E008 11:86 policy.external-moderation.secret_key_ref.env',
    ],
    [
      'a value that is of none of several forms',
      `${TARGET}policy: { external-moderation: { endpoint: https://a.example, secret_key_ref: A } }\n`,
      'E008 11:79 policy.external-moderation.secret_key_ref',
    ],
    ['callbacks', `${TARGET}callbacks: [{ type: datadog }]\n`, 'E009 11:1 callbacks'],
    ['agents', `${TARGET}agents: []\n`, 'E009 11:1 agents'],
    ['a region of another provider', `${TARGET}      region: eu-central-1\n`, 'E010 11:15 providers.targets[0].region'],
    [
      'Bedrock without a region',
      TARGET.replace('provider: openai', 'provider: bedrock'),
      'E007 10:17 providers.targets[0].provider',
    ],
    [
      'a local model without permission',
      TARGET.replace('provider: openai', 'provider: ollama'),
      'E007 10:17 providers.targets[0].provider',
    ],
    [
      'one secret and several',
      `${TARGET}      secret_key_ref: { env: A }\n      secret_key_refs: [{ env: B }, { env: C }]\n`,
      'E010 12:24 providers.targets[0].secret_key_refs',
    ],
    ['a key twice', `${TARGET}pack: {}\n`, 'E006 11:1 '],
    ['a tab as indentation', 'pack:\n\tname: x\n', 'E006 2:1 '],
    ['two documents', `${TARGET}---\n${TARGET}`, 'E006 12:1 '],
    ['a YAML 1.1 directive', `%YAML 1.1\n---\n${TARGET}`, 'E006 1:1 '],
    ['a prototype key', `${TARGET}      headers: { __proto__: x }\n`, 'E006 11:18 '],
    ['a key that is a list', `${TARGET}? [a]\n: b\n`, 'E006 11:3 '],
  ])('%s: code, line and column', (_, yaml, expected) => {
    expect(found(yaml)).toContain(expected)
    expect(lintPolicyConfig(yaml).config).toBeNull()
  })

  test.each([['W003 11:11 policy.tool-budget', 'policy: { tool-budget: { budgets: {} } }\n']])(
    'a warning leaves it usable: %s',
    (expected, text) => {
      expect(found(TARGET + text)).toEqual([expected])
      expect(lintPolicyConfig(TARGET + text).config).not.toBeNull()
    },
  )

  test.each(['http://127.0.0.1:8000/v1', 'https://192.168.1.5/v1'])(
    'a private address that is not allowed: %s',
    (url) => {
      expect(found(`${TARGET}      base_url: ${url}\n`)).toEqual(['E011 11:17 providers.targets[0].base_url'])
    },
  )

  test('a private address that is allowed has no warning', () => {
    expect(found(`${TARGET}      base_url: http://127.0.0.1:8000/v1\n      allow_private_network: true\n`)).toEqual([])
  })

  test('a stored secret is refused as not available, not as a typing error', () => {
    const { config, diagnostics } = lintPolicyConfig(`${TARGET}      secret_key_ref: { store: openai }\n`)
    expect(config).toBeNull()
    expect(diagnostics.find(({ code }) => code === 'E009')?.message).toContain('not available in this release')
  })

  test.each([
    'ftp://a.example',
    'https://user:secret@a.example',
    '//a.example',
    'https://a.example/?q=1',
    '"https://a.example/\\r\\nX: y"',
    'file:///etc/passwd',
    'javascript:alert(1)',
  ])('the address %s is refused', (url) => {
    expect(found(`${TARGET}      base_url: ${url}\n`)).toContain('E008 11:17 providers.targets[0].base_url')
  })

  test.each([
    'Host: x',
    'Content-Length: "1"',
    'transfer-encoding: chunked',
    '"a b": x',
    'X-A: "b\\r\\nc"',
    'X-A: "\\0"',
  ])('the header {%s} is refused', (header) => {
    expect(lintPolicyConfig(`${TARGET}      headers: { ${header} }\n`).config).toBeNull()
  })

  test.each(['KEEPTRUSTS_GATEWAY_TOKEN', 'DATABASE_URL', 'not a name', 'A-B'])('the secret %s is refused', (env) => {
    expect(found(`${TARGET}      secret_key_ref: { env: ${env} }\n`)).toContain(
      'E008 11:30 providers.targets[0].secret_key_ref.env',
    )
  })

  test.each([
    ['more than 1 MiB', '#'.repeat(1_048_577), /larger than 1 MiB/],
    ['NUL', `${HEAD}#\u0000`, /NUL/],
    ['a lone surrogate', `${HEAD}#\ud800`, /Unicode/],
    ['flow nesting', '['.repeat(500_000), /64 levels/],
    ['block nesting', '- '.repeat(400_000), /64 levels/],
    ['an alias bomb', 'a: [&x [1,1], &y [*x,*x,*x], &z [*y,*y,*y], [*z,*z,*z]]', /alias/i],
    ['many aliases', `a: &a x\nb: [${'*a,'.repeat(11)}]`, /10 aliases/],
    ['very many keys', `{${Array.from({ length: 90_000 }, (_, at) => `k${at}: 1`).join(',')}}`, /too many values/],
  ])('%s is refused with a reason', (_, yaml, reason) => {
    const { config, diagnostics } = lintPolicyConfig(yaml)
    expect(config).toBeNull()
    expect(diagnostics[0]).toMatchObject({ code: 'E006' })
    expect(diagnostics[0]?.message).toMatch(reason)
  })

  test('never throws, and every finding is one of the contract with a place inside of the file', () => {
    const piece = fc.constantFrom(
      ...TARGET.split(/(?<=\n)/),
      '- ',
      '? ',
      '&a ',
      '*a',
      '{',
      '}',
      '[',
      ']',
      '"',
      "'",
      '|\n',
      '\t',
      ': ',
      '<<: ',
      '!!str ',
      '#',
      '---\n',
    )
    fc.assert(
      fc.property(
        fc.array(fc.oneof(piece, fc.string({ unit: 'binary', maxLength: 5 })), { maxLength: 40 }),
        (pieces) => {
          const yaml = pieces.join('')
          const { config, diagnostics } = lintPolicyConfig(yaml)
          const lines = yaml.split('\n').length
          for (const diagnostic of diagnostics) {
            Diagnostic.parse(diagnostic)
            expect(diagnostic.line >= 1 && diagnostic.line <= lines && diagnostic.column >= 1).toBe(true)
          }
          expect(config === null).toBe(diagnostics.some(({ severity }) => severity === 'error'))
        },
      ),
      { numRuns: 500 },
    )
  })
})

test('the published JSON Schema is the one that the schema makes (`npx vitest run lib/policy -u` writes it)', async () => {
  const text = `${JSON.stringify(policyConfigJsonSchema(), null, 2)}\n`
  await expect(text).toMatchFileSnapshot('../../public/schema/policy-config.json')
})
