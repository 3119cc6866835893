import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { activity } from '@/lib/contract/activity'
import type { Export } from '@/lib/contract/export-shapes'
import { exports } from '@/lib/contract/exports'
import { bundledKt, contractServer } from './testing'

const bench = bundledKt()
const server = contractServer()
const at = (url: string) => ({ env: { KEEPTRUSTS_API_URL: url, KEEPTRUSTS_API_TOKEN: 'kt_ak_test' } })
const kt = (...args: string[]) => bench.kt(args, at(server.url))

const READY = exports.get.example.output as Export
const ID = READY.id
const inState = (state: Export['state'], change: Partial<Export> = {}): Export => ({
  ...READY,
  state,
  status: state,
  ...change,
})
const sha256 = (text: string) => createHash('sha256').update(text).digest('hex')

/** An export that is asked for so many times before it is ready, and its file. */
function makes(content: string, states: Export[] = [inState('queued'), inState('running'), READY]) {
  server.on(exports.create, () => states[0] ?? READY)
  let asked = 0
  server.on(exports.get, () => states[Math.min(++asked, states.length - 1)] ?? READY)
  server.on(exports.download, () => content)
}

test('create says what was begun and how to go on; the options are those of the contract', async () => {
  makes('[]')
  const { code, stdout } = await kt(
    ...[
      'export-jobs',
      'create',
      '--type',
      'audit-log',
      '--format',
      'csv',
      '--fields',
      'at,action',
      '--purpose',
      'Audit',
    ],
    ...['--date-from', '2026-05-01T00:00:00Z', '--date-to', '2026-06-01T00:00:00Z', '--filter', 'source=console'],
  )

  expect({ code, stdout }).toEqual({ code: 0, stdout: `${ID} is queued.\nNext: kt export-jobs download ${ID}\n` })
  expect(server.asked).toMatchObject([
    {
      name: 'exports.create',
      input: {
        type: 'activity',
        format: 'csv',
        fields: ['at', 'action'],
        filter: 'source=console',
        purpose: 'Audit',
        time_window: { since: '2026-05-01T00:00:00Z', until: '2026-06-01T00:00:00Z' },
      },
    },
  ])
})

test('export is another name of export-jobs; what it lists and shows is the answer of the API', async () => {
  const { manifest: _, ...summary } = READY
  server.on(exports.list, () => ({ items: [summary], next_cursor: null }))
  server.on(exports.get, () => READY)

  expect(JSON.parse((await kt('export', 'list', '--json')).stdout)).toEqual({ items: [summary], next_cursor: null })
  expect((await kt('export', 'list')).stdout).toMatch(new RegExp(`^ID .*\\n${ID} .*completed\\n$`))
  for (const args of [[ID], ['--id', ID]])
    expect(JSON.parse((await kt('export-jobs', 'get', ...args)).stdout)).toEqual(READY)
})

test('kt events export waits until the file is ready, writes all of it and says its checksum', async () => {
  makes('{"a":1}\n'.repeat(100_000))
  const { code, stdout, stderr } = await kt(
    'events',
    'export',
    '--format',
    'json_lines',
    '--since',
    '7d',
    '--to',
    'all.jsonl',
  )

  const text = await readFile(join(bench.home, 'all.jsonl'), 'utf8')
  expect({ code, stderr, length: text.length }).toEqual({ code: 0, stderr: '', length: 800_000 })
  expect(stdout).toContain(`all.jsonl: 800.0 kB, SHA-256 ${sha256(text)}\n`)
  expect((await readdir(bench.home)).filter((name) => name.includes('.part'))).toEqual([])
})

test('with - the file is all that stands on stdout', async () => {
  makes('one\ntwo\n')
  const args = ['export-jobs', 'create', '--to', '-']
  expect(await bench.bundled(args, at(server.url))).toEqual({ code: 0, stdout: 'one\ntwo\n', stderr: '' })
})

test('no file is written over unless that is asked for', async () => {
  makes('new')
  await writeFile(join(bench.home, 'there'), 'old')

  const refused = await kt('export-jobs', 'download', ID, '--to', 'there')
  expect(refused).toMatchObject({ code: 2, stderr: expect.stringContaining('there exists') })
  expect(await readFile(join(bench.home, 'there'), 'utf8')).toBe('old')
  expect((await kt('export-jobs', 'download', '--id', ID, '--to', 'there', '--force')).code).toBe(0)
  expect(await readFile(join(bench.home, 'there'), 'utf8')).toBe('new')
})

/** Stands before the server and changes a letter of what it answers. */
async function damaging(url: string): Promise<string> {
  const proxy = createServer(async ({ url: path }, response) => {
    const answer = await fetch(`${url}${path}`, { headers: { authorization: 'Bearer kt_ak_test' } })
    response.writeHead(answer.status, { etag: answer.headers.get('etag') ?? '' })
    response.end((await answer.text()).replace('a', 'b'))
  })
  onTestFinished(() => void proxy.close())
  await once(proxy.listen(0, '127.0.0.1'), 'listening')
  return `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`
}

test('a file that is not what was announced is not kept', async () => {
  server.on(exports.download, () => 'announced')
  const { code, stderr } = await bench.kt(
    ['export-jobs', 'download', ID, '--to', 'bad'],
    at(await damaging(server.url)),
  )

  expect({ code, stderr }).toMatchObject({ code: 1, stderr: expect.stringContaining('Download it again') })
  expect((await readdir(bench.home)).filter((name) => name.startsWith('bad'))).toEqual([])
})

test.each(['failed', 'cancelled', 'expired'] as const)(
  'an export that ends as %s ends the command with 1',
  async (state) => {
    makes('', [inState('queued'), inState(state, { error: 'The object store has no space left.' })])
    const { code, stdout, stderr } = await kt('events', 'export', '--to', '-')
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    expect(stderr).toContain(`is ${state}: The object store has no space left.`)
  },
)

test('kt activity lists with a filter and exports in one go', async () => {
  const page = activity.list.example.output as { items: unknown[] }
  server.on(activity.list, () => page as never)
  makes('[]')

  expect((await kt('activity', 'list', '--filter', 'action=token.revoked')).stdout).toMatch(
    /Administrator +token\.revoked/,
  )
  expect(server.asked.at(-1)?.input).toMatchObject({ filter: 'action=token.revoked' })
  expect((await kt('activity', 'export', '--to', '-')).stdout).toBe('[]')
  expect(server.asked.find(({ name }) => name === 'exports.create')?.input).toMatchObject({ type: 'activity' })
})
