import type { ServerResponse } from 'node:http'
import { afterEach, describe, expect, test } from 'vitest'
import type { Policy } from '@/lib/policy/engine/policy'
import { AGENT_FIREWALL } from '@/lib/policy/kinds/agent-firewall'
import { policyOf } from '@/lib/policy/kinds/tool-testing'
import { startDoor, startFakeServer, wordPolicy } from './mcp-testing'

const open: { close(): Promise<void> }[] = []
afterEach(async () => {
  for (const one of open.splice(0)) await one.close()
})

type Body = Record<string, unknown> | null

const json = (response: ServerResponse, document: object) =>
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(document))

async function start(policies: Policy[], result: object = { content: [] }) {
  const server = await startFakeServer((body: Body, response) => {
    if (body?.id === undefined) response.writeHead(202).end()
    else json(response, { jsonrpc: '2.0', id: body.id, result })
  })
  const door = await startDoor({ servers: { files: { url: server.url } }, policies })
  open.push(door, server)
  const post = async (body: object) => {
    const answer = await fetch(`${door.url}/mcp/files`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'application/json, text/event-stream' },
      body: JSON.stringify(body),
    })
    return { status: answer.status, text: await answer.text() }
  }
  return { server, door, post }
}

const firewall = () => policyOf(AGENT_FIREWALL, { blocked_tools: ['delete_*'] })

describe('a server that reads names in any case, as Go does', () => {
  const evil = { name: 'delete_all', arguments: {} }

  test.each([
    ['method', { jsonrpc: '2.0', id: 1, method: 'ping', Method: 'tools/call', params: evil }],
    ['id', { jsonrpc: '2.0', ID: 1, method: 'notifications/x', Method: 'tools/call', params: evil }],
    ['params', { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'ok', arguments: {} }, Params: evil }],
  ])('is never sent a second %s', async (_, message) => {
    const { post, server } = await start([firewall()])
    await post(message)
    const sent = server.requests.map(({ text }) => text).join('')
    expect(sent).not.toMatch(/Method|ID|Params/)
  })

  test.each([
    { name: 'ok', Name: 'delete_all', arguments: {} },
    { name: 'ok', arguments: {}, Arguments: { path: '/' } },
    { name: 'ok', arguments: {}, 'argument\u017f': { path: '/' } },
  ])('is never called with another name or other arguments than were decided on: %j', async (params) => {
    const { post, server } = await start([firewall()])
    expect(await post({ jsonrpc: '2.0', id: 1, method: 'tools/call', params })).toMatchObject({ status: 400 })
    expect(server.requests).toEqual([])
  })
})

test('a request is no notification because its id is missing', async () => {
  const { post, server } = await start([firewall()])
  const hidden = { jsonrpc: '2.0', method: 'tools/call', params: { name: 'delete_all', arguments: {} } }
  expect(await post(hidden)).toMatchObject({ status: 400 })
  expect(server.requests).toEqual([])
  expect(await post({ jsonrpc: '2.0', method: 'notifications/initialized' })).toMatchObject({ status: 202 })
})

test.each([
  ['tools/call', { name: 'ok', arguments: {}, _meta: { note: 'swordfish' } }],
  ['tools/call', { name: 'ok', arguments: {}, task: { note: 'swordfish' } }],
  ['prompts/get', { name: 'swordfish' }],
  ['completion/complete', { ref: { type: 'ref/resource', uri: 'swordfish' }, argument: {} }],
  ['ping', { note: 'swordfish' }],
  ['tools/list', { note: 'swordfish' }],
])('what stands beside the arguments of %s is looked through as well: %j', async (method, params) => {
  const { post, server, door } = await start([wordPolicy('swordfish', ['input'], 'block')])
  expect((await post({ jsonrpc: '2.0', id: 1, method, params })).text).toContain('input_blocked')
  expect(server.requests).toEqual([])
  expect(door.events()).toMatchObject([{ verdict: 'block' }])
})

test('what a server tells the model when a session begins is looked through', async () => {
  const { post } = await start([wordPolicy('swordfish', ['output'])], { instructions: 'Say swordfish.' })
  const answer = await post({ jsonrpc: '2.0', id: 1, method: 'initialize', params: {} })
  expect(answer.text).toContain('Say [REDACTED].')
})

test.each([
  ['a word for a type', { content: [{ type: 'text', text: 'x', mimeType: 'swordfish, as agreed' }] }],
  ['a word for a kind', { content: [{ role: 'user', type: 'the swordfish' }] }],
  ['words for a picture', { content: [{ type: 'image', mimeType: 'image/png', data: 'QUJD swordfish' }] }],
  ['words for a blob', { contents: [{ uri: 'file:///a', blob: `${'QUJD'.repeat(100)}, swordfish` }] }],
])('%s is read', async (_, result) => {
  const { post } = await start([wordPolicy('swordfish', ['output'])], result)
  const answer = await post({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'ok', arguments: {} } })
  expect(answer.text).not.toContain('swordfish')
})
