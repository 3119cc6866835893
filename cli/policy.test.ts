import { mkdir, mkdtemp, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { bundledKt } from './testing'

const bench = bundledKt()

const HEAD = 'pack: { name: demo, version: 1.2.3, enabled: true }\n'
const TARGETS = 'providers: { targets: [{ id: sandbox, provider: sandbox }] }\n'
const GUARDED = `${HEAD}policies: { chain: [agent-firewall] }
policy: { agent-firewall: { allowed_tools: [search_*] } }
${TARGETS}`

const called = (name: string) => ({
  choices: [
    {
      message: { role: 'assistant', tool_calls: [{ id: 'c', type: 'function', function: { name, arguments: '{}' } }] },
    },
  ],
})
const testCase = (name: string, tool: string, verdict: string) => ({
  name,
  input: { messages: [{ role: 'user', content: 'Go.' }], upstream_response: called(tool) },
  expected: { verdict },
})

/** An own directory with these files; the working directory of a run. */
async function directory(files: Record<string, string>): Promise<string> {
  const cwd = await mkdtemp(join(bench.home, 'pack-'))
  await mkdir(join(cwd, 'tests'))
  for (const [path, text] of Object.entries(files)) await writeFile(join(cwd, path), text)
  return cwd
}

describe('kt policy lint', () => {
  test('says what is valid, and answers the same as JSON', async () => {
    const cwd = await directory({ 'policy-config.yaml': GUARDED })

    expect(await bench.kt(['policy', 'lint', '--file', 'policy-config.yaml'], { cwd })).toEqual({
      code: 0,
      stdout:
        'OK policy-config.yaml is valid\n   Pack: demo v1.2.3\n   Chain: agent-firewall\n   Policies: 1 validated\n',
      stderr: '',
    })
    const { stdout } = await bench.kt(['policy', 'lint', '--json'], { cwd })
    expect(JSON.parse(stdout)).toEqual({
      valid: true,
      file: 'policy-config.yaml',
      pack: { name: 'demo', version: '1.2.3' },
      chain: ['agent-firewall'],
      policy_count: 1,
      warnings: [],
    })
  })

  test('answers errors with code, place and suggestion, and exit code 2', async () => {
    const cwd = await directory({ 'policy-config.yaml': GUARDED.replace('[agent-firewall]', '[agent-firewal]') })

    const { code, stdout } = await bench.kt(['policy', 'lint', '--json'], { cwd })

    expect(code).toBe(2)
    expect(JSON.parse(stdout)).toMatchObject({
      valid: false,
      errors: [{ code: 'E001', path: 'policies.chain[0]', line: 2, suggestion: 'agent-firewall' }],
      warnings: [{ code: 'W003', path: 'policy.agent-firewall' }],
    })
    expect(await bench.kt(['policy', 'lint'], { cwd })).toMatchObject({
      code: 2,
      stdout: expect.stringMatching(/^policy-config.yaml:2:21: error E001 .*Did you mean agent-firewall\?$/m),
    })
  })

  test('reads standard input, and says when a file is not there', async () => {
    expect(await bench.kt(['policy', 'lint', '--file', '-'], { input: GUARDED })).toMatchObject({ code: 0 })
    expect(await bench.kt(['policy', 'lint', '--file', 'nowhere.yaml'])).toMatchObject({ code: 2, stdout: '' })
  })
})

describe('kt policy test', () => {
  test('runs files and inline suites through the engine, and fails when one fails', async () => {
    const inline = testCase('inline', 'search_web', 'allow')
    const cwd = await directory({
      'policy-config.yaml': `${GUARDED}testing: { suites: [{ name: tools, cases: [${JSON.stringify(inline)}] }] }\n`,
      'tests/a.json': JSON.stringify(testCase('refuses', 'delete_all', 'block')),
      'tests/b.json': JSON.stringify([
        testCase('allows', 'search_web', 'allow'),
        testCase('is wrong', 'search_web', 'block'),
      ]),
    })

    const { code, stdout } = await bench.kt(['policy', 'test', '--json'], { cwd })

    expect(code).toBe(1)
    const { ok, results } = JSON.parse(stdout)
    expect(ok).toBe(false)
    expect(results).toMatchObject([
      { name: 'refuses', verdict: 'block', policy: 'agent-firewall', passed: true },
      { name: 'allows', verdict: 'allow', reason_code: 'ok', passed: true },
      { name: 'is wrong', passed: false, problems: ['expected verdict block, got allow'] },
      { name: 'inline', passed: true, source: 'testing.suites tools' },
    ])
    expect(results[0].details.policy_results[0]).toMatchObject({ kind: 'agent-firewall', phase: 'input' })
  })

  test('says in a table what passed; --pack-dir names another directory', async () => {
    const cwd = await directory({
      'policy-config.yaml': GUARDED,
      'tests/a.json': JSON.stringify(testCase('refuses', 'delete_all', 'block')),
    })
    expect(await bench.kt(['policy', 'test', '--pack-dir', cwd])).toEqual({
      code: 0,
      stdout: 'pass  refuses: block by agent-firewall (agent_firewall.tool_not_allowed)\n1 passed, 0 failed\n',
      stderr: '',
    })
  })

  test.each([
    ['no cases', {}, /There are no cases/],
    ['a case that is no JSON', { 'tests/a.json': '{' }, /Cannot read tests\/a.json/],
    ['a case with a mistyped key', { 'tests/a.json': '{"name":"x","inptu":{}}' }, /tests\/a.json is no test case/],
  ])('%s: exit code 2 with the reason', async (_, files, reason) => {
    const cwd = await directory({ 'policy-config.yaml': GUARDED, ...files })
    const { code, stderr } = await bench.kt(['policy', 'test'], { cwd })
    expect(code).toBe(2)
    expect(stderr).toMatch(reason)
  })

  test('does not run a configuration with errors', async () => {
    const cwd = await directory({ 'policy-config.yaml': HEAD })
    expect(await bench.kt(['policy', 'test', '--json'], { cwd })).toMatchObject({
      code: 2,
      stdout: '',
      stderr: expect.stringContaining('E007'),
    })
  })
})

test('kt policy explain says what each policy does', async () => {
  const cwd = await directory({ 'policy-config.yaml': GUARDED })
  const { code, stdout } = await bench.kt(['policy', 'explain'], { cwd })
  expect(code).toBe(0)
  expect(stdout).toContain('1. agent-firewall')
  expect(stdout).toContain('Refuses tools other than search_*.')
  expect(stdout).toContain('If it fails, the request is refused.')
})

describe('kt init', () => {
  test('writes what lints clean and passes its own tests', async () => {
    const cwd = await mkdtemp(join(bench.home, 'init-'))

    expect(await bench.kt(['init'], { cwd })).toMatchObject({ code: 0 })
    expect(await bench.kt(['policy', 'lint'], { cwd })).toMatchObject({ code: 0 })
    expect(await bench.kt(['policy', 'test'], { cwd })).toMatchObject({ code: 0 })
    expect(await readdir(join(cwd, 'tests'))).toContain('blocks_prompt_injection.json')
  })

  test('replaces nothing unless told to', async () => {
    const cwd = await directory({ 'policy-config.yaml': 'mine' })

    expect(await bench.kt(['init', '--template', 'finance'], { cwd })).toMatchObject({ code: 1 })
    expect(await readFile(join(cwd, 'policy-config.yaml'), 'utf8')).toBe('mine')
    expect(await readdir(join(cwd, 'tests'))).toEqual([])

    expect(await bench.kt(['init', '--template', 'finance', '--force'], { cwd })).toMatchObject({ code: 0 })
    expect(await readFile(join(cwd, 'policy-config.yaml'), 'utf8')).toContain('name: finance')
  })

  test('names its templates when it does not know one', async () => {
    expect(await bench.kt(['init', '--template', 'nothing'])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('zero-data-retention'),
    })
  })
})
