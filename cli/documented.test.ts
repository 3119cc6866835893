import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { text as readAll } from 'node:stream/consumers'
import { expect, test } from 'vitest'
import { type Token, tokens } from '@/lib/contract/tokens'
import { AppError } from '@/lib/errors'
import { bundledKt, contractServer } from './testing'

const bench = bundledKt()
const server = contractServer()
const docs = readFile(join(import.meta.dirname, '../docs/cli.md'), 'utf8')

async function bash(script: string) {
  const env = bench.env({ KEEPTRUSTS_API_URL: server.url, KEEPTRUSTS_API_TOKEN: 'kt_ak_test' })
  const child = spawn('bash', ['-s'], { env, cwd: bench.home })
  child.stdin.end(script)
  const [stdout, stderr, code] = await Promise.all([
    readAll(child.stdout),
    readAll(child.stderr),
    new Promise((resolve) => child.once('close', resolve)),
  ])
  return { code, stdout, stderr }
}

test('the rotation script of the documentation runs as printed and holds the key', async () => {
  const script = /```bash\n(#!\/usr\/bin\/env bash[\s\S]*?)```/.exec(await docs)?.[1] ?? ''
  server.on(tokens.create, ({ name }) => ({
    key: 'kt_gk_fresh',
    token: { ...(tokens.get.example.output as Token), name },
  }))

  const { code, stdout, stderr } = await bash(`${script}\necho "holds $NEW_KEY"`)

  const name = `app-production-${new Date().toISOString().slice(0, 10).replaceAll('-', '')}`
  expect({ code, stdout, stderr }).toEqual({
    code: 0,
    stdout: `New key: ${name}\nDeploy this key and then revoke the previous one.\nholds kt_gk_fresh\n`,
    stderr: '',
  })
  expect(server.asked).toMatchObject([{ name: 'tokens.create', input: { token_type: 'gateway', name } }])
})

test('the rotation script stops when the key cannot be created', async () => {
  const script = /```bash\n(#!\/usr\/bin\/env bash[\s\S]*?)```/.exec(await docs)?.[1] ?? ''
  server.on(tokens.create, () => {
    throw new AppError('forbidden', 'This needs the permission tokens:write.')
  })

  expect(await bash(script)).toMatchObject({ code: 4, stdout: '' })
})

test('every documented command of kt exists', async () => {
  const named = [...(await docs).matchAll(/`kt (?!help\b)([a-z][a-z-]*(?: [a-z][a-z-]*)?)/g)].map(
    (match) => match[1] ?? '',
  )

  expect(named.length).toBeGreaterThan(20)
  for (const words of new Set(named)) {
    const { code, stderr } = await bench.kt([...words.split(' '), '--help'])
    expect({ words, code, stderr }).toEqual({ words, code: 0, stderr: '' })
  }
})

test.skipIf(!existsSync('/dev/full'))('an answer that finds no room says so and is no success', async () => {
  expect(await bash('kt completion bash > /dev/full')).toEqual({
    code: 1,
    stdout: '',
    stderr: 'kt: The answer could not be written: ENOSPC.\n',
  })
})
