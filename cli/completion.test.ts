import { execFile } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, test } from 'vitest'
import { bundledKt } from './testing'

const bench = bundledKt()
const run = promisify(execFile)

/** What bash offers after these words; the last one is being typed. */
async function offered(...words: string[]): Promise<string[]> {
  const script = join(bench.home, 'kt.bash')
  await writeFile(script, (await bench.kt(['completion', 'bash'])).stdout)
  const driver = `source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _kt; printf "%s\\n" "\${COMPREPLY[@]}"`
  const { stdout } = await run('bash', ['--norc', '-c', driver, 'driver', script, 'kt', ...words])
  return stdout.split('\n').filter(Boolean)
}

describe('completion in bash', () => {
  test('offers groups, commands, options and their values', async () => {
    expect(await offered('to')).toEqual(['tokens'])
    expect(await offered('auth', 'token', 'c')).toEqual(['create'])
    expect(await offered('tokens', 'create', '--allowed')).toEqual(['--allowed-models', '--allowed-providers'])
    expect(await offered('tokens', 'create', '--name', 'x', '--type', '')).toEqual(['access', 'gateway'])
    expect(await offered('token', 'list', '--output', 'j')).toEqual(['json'])
    expect(await offered('policy', '')).toEqual(expect.arrayContaining(['lint', 'test', 'explain']))
    expect(await offered('policy', 'test', '--pack')).toEqual(['--pack-dir'])
    expect(await offered('init', '--template', 'pii')).toEqual(['pii-redaction'])
    expect(await offered('completion', '')).toEqual(expect.arrayContaining(['bash', 'zsh', 'fish']))
  })

  test('offers nothing where a value is free, so that the shell offers files', async () => {
    expect(await offered('config', 'create', '--file', '')).toEqual([])
  })
})

test.each(['bash', 'zsh', 'fish'])('the script for %s knows every command', async (shell) => {
  const { code, stdout } = await bench.kt(['completion', shell])

  expect(code).toBe(0)
  for (const word of ['tokens', 'rotate', 'events', 'tail', 'rollout', 'doctor', 'expires-in'])
    expect(stdout).toContain(word)
})

test('another shell is invalid input', async () => {
  expect(await bench.kt(['completion', 'tcsh'])).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('bash, zsh, fish'),
  })
})
