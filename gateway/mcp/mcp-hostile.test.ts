import type { ServerResponse } from 'node:http'
import { connect } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import { chainOf } from '@/lib/policy/engine/chain'
import type { Policy } from '@/lib/policy/engine/policy'
import { AGENT_FIREWALL } from '@/lib/policy/kinds/agent-firewall'
import { PII_DETECTOR } from '@/lib/policy/kinds/pii-detector'
import { TOOL_BUDGET } from '@/lib/policy/kinds/tool-budget'
import { policyOf } from '@/lib/policy/kinds/tool-testing'
import { type FakeServer, startDoor, startFakeServer, wordPolicy } from './mcp-testing'

const open: { close(): Promise<void> }[] = []
afterEach(async () => {
  for (const one of open.splice(0)) await one.close()
})

type Answer = (body: Record<string, unknown> | null, response: ServerResponse) => void

const json = (response: ServerResponse, document: object, headers: Record<string, string> = {}, status = 200) =>
  response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(document))

const result = (body: Record<string, unknown> | null, value: object) => ({
  jsonrpc: '2.0',
  id: body?.id,
  result: value,
})

const text = (said: string) => ({ content: [{ type: 'text', text: said }] })

/** A server that keeps sessions and echoes calls. */
const echo: Answer = (body, response) => {
  if (body?.method === 'initialize') json(response, result(body, {}), { 'mcp-session-id': 'upstream-secret-1' })
  else json(response, result(body, text(JSON.stringify(body?.params ?? {}))))
}

async function start(answer: Answer, policies: Policy[] = [], options: Partial<Parameters<typeof startDoor>[0]> = {}) {
  const server = await startFakeServer(answer)
  const door = await startDoor({ servers: { files: { url: server.url } }, policies, ...options })
  open.push(door, server)
  const post = (body: unknown, headers: Record<string, string> = {}) =>
    fetch(`${door.url}/mcp/files`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'application/json, text/event-stream', ...headers },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    })
  const call = (name: string, args: object = {}, headers: Record<string, string> = {}) =>
    post({ jsonrpc: '2.0', id: 7, method: 'tools/call', params: { name, arguments: args } }, headers)
  return { server, door, post, call }
}

const callsOf = ({ requests }: FakeServer) => requests.filter(({ body }) => body?.method === 'tools/call')

describe('what a client sends', () => {
  test.each([
    ['not json', 'not json', -32_700],
    ['an empty body', '', -32_700],
    ['deep nesting', '['.repeat(100_000), -32_700],
    ['a batch', [{ jsonrpc: '2.0', id: 1, method: 'ping' }], -32_600],
    ['no version', { id: 1, method: 'ping' }, -32_600],
    ['a null id', { jsonrpc: '2.0', id: null, method: 'ping' }, -32_600],
    ['an object for an id', { jsonrpc: '2.0', id: {}, method: 'ping' }, -32_600],
    ['a long id', { jsonrpc: '2.0', id: 'x'.repeat(300), method: 'ping' }, -32_600],
    ['params in a list', { jsonrpc: '2.0', id: 1, method: 'tools/call', params: ['x'] }, -32_600],
    ['neither method nor result', { jsonrpc: '2.0', id: 1 }, -32_600],
    ['a method that is no name', { jsonrpc: '2.0', id: 1, method: 'tools/list\n' }, -32_600],
    ['a scalar', '7', -32_600],
  ])('%s is refused and reaches no server', async (_, body, code) => {
    const { post, server } = await start(echo)
    const answer = await post(body)
    expect(answer.status).toBe(400)
    expect(await answer.json()).toMatchObject({
      jsonrpc: '2.0',
      id: null,
      error: { code, data: { code: 'malformed_request' } },
    })
    expect(server.requests).toEqual([])
  })

  test('a body beyond the limit is refused', async () => {
    const { post, server } = await start(echo, [], { limits: { messageBytesMax: 1_000 } })
    const answer = await post({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'x'.repeat(2_000) } })
    expect(answer.status).toBe(413)
    expect(await answer.json()).toMatchObject({ error: { data: { code: 'body_too_large' } } })
    expect(server.requests).toEqual([])
  })

  test.each([
    [{ arguments: {} }],
    [{ name: 7 }],
    [{ name: '' }],
    [{ name: 'a', arguments: [] }],
    [{ name: 'a', arguments: 'x' }],
  ])('a call with the params %j is invalid', async (params) => {
    const { post, server, door } = await start(echo)
    const answer = await post({ jsonrpc: '2.0', id: 1, method: 'tools/call', params })
    expect(await answer.json()).toMatchObject({ id: 1, error: { code: -32_602 } })
    expect(server.requests).toEqual([])
    expect(door.events()).toMatchObject([{ error_code: 'invalid_request' }])
  })

  test('numbers that JavaScript would round travel as they were written, both ways', async () => {
    const raw = '{"id":12345678901234567890,"x":1.0e5}'
    const { server, post } = await start((body, response) => {
      const said = `{"jsonrpc":"2.0","id":${body?.id},"result":{"content":[],"structuredContent":${raw}}}`
      response.writeHead(200, { 'content-type': 'application/json' }).end(said)
    })
    const call = `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"a","arguments":${raw}}}`
    expect(await (await post(call)).text()).toContain(raw)
    expect(server.requests[0]?.text).toContain(raw)
  })

  test('of two fields with one name, policy and server see the same', async () => {
    const { post, server } = await start(echo, [policyOf(AGENT_FIREWALL, { blocked_tools: ['rm'] })])
    await post('{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"rm","name":"ls"}}')
    expect(callsOf(server)[0]?.body?.params).toMatchObject({ name: 'ls' })
    await post('{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"ls","name":"rm"}}')
    expect(callsOf(server)).toHaveLength(1)
  })

  test('a caller who leaves is recorded as such', async () => {
    let arrived = () => {}
    const asked = new Promise<void>((resolve) => {
      arrived = resolve
    })
    const { door } = await start((body) => {
      if (body?.method === 'tools/call') arrived()
    })
    const body = JSON.stringify({ jsonrpc: '2.0', id: 7, method: 'tools/call', params: { name: 'slow' } })
    const socket = connect(Number(new URL(door.url).port), '127.0.0.1')
    const head = `POST /mcp/files HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n`
    socket.write(head + body)
    await asked
    socket.destroy()
    expect(await door.recordsSoon(1)).toMatchObject([{ clientAborted: true, status: 499, tool: 'slow' }])
    expect(door.door.active).toBe(0)
  })
})

describe('who may come in', () => {
  test('a server that is not declared does not exist, nor one of another kind', async () => {
    const { door } = await start(echo)
    const answer = await fetch(`${door.url}/mcp/other`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{}',
    })
    expect(answer.status).toBe(404)
  })

  test.each([
    ['an unknown key', { authorization: 'Bearer kt_gk_nope' }, 401],
    ['a page elsewhere', { origin: 'https://evil.example' }, 403],
    ['another content type', { 'content-type': 'text/plain' }, 415],
  ])('%s', async (_, headers, status) => {
    const { post, server } = await start(echo)
    expect((await post({ jsonrpc: '2.0', id: 1, method: 'ping' }, headers)).status).toBe(status)
    expect(server.requests).toEqual([])
  })

  test('a key for other providers may not use MCP', async () => {
    const { call, door, server } = await start(echo)
    const secret = door.addKey({ allowed_providers: ['openai'] })
    expect((await call('ls', {}, { authorization: `Bearer ${secret}` })).status).toBe(403)
    expect(server.requests).toEqual([])
  })

  test.each(['isFull', 'isDraining'] as const)('nothing is sent when the gateway %s', async (flag) => {
    const { call, door, server } = await start(echo)
    door.flags[flag] = true
    expect((await call('ls')).status).toBe(503)
    expect(server.requests).toEqual([])
  })

  test('an answer that cannot be recorded is held back', async () => {
    const { call, door } = await start(echo)
    door.flags.isBroken = true
    const answer = await call('ls', { secret: 'x' })
    expect(answer.status).toBe(503)
    expect(await answer.text()).not.toContain('secret')
  })

  test('the secret of the target is sent, the key of the caller never', async () => {
    const server = await startFakeServer(echo)
    const extra = { secret_key_ref: { env: 'FILES_KEY' }, headers: { 'x-team': 'a' } }
    const door = await startDoor({
      servers: { files: { url: server.url, extra } },
      environment: { FILES_KEY: 'server-secret' },
    })
    open.push(door, server)
    const secret = door.addKey()
    await fetch(`${door.url}/mcp/files`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${secret}`,
        cookie: 'a=b',
        'content-type': 'application/json',
        'mcp-protocol-version': '2025-11-25',
      },
      body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'ping' }),
    })
    const [sent] = server.requests
    expect(sent?.headers).toMatchObject({
      authorization: 'Bearer server-secret',
      'x-team': 'a',
      'mcp-protocol-version': '2025-11-25',
    })
    expect(JSON.stringify(sent)).not.toContain(secret)
    expect(sent?.headers.cookie).toBeUndefined()
  })
})

describe('sessions', () => {
  const initialize = { jsonrpc: '2.0', id: 1, method: 'initialize', params: {} }

  test("the caller never sees the server's id, and the server never ours", async () => {
    const { post, call, server } = await start(echo)
    const begun = await post(initialize)
    const id = begun.headers.get('mcp-session-id') ?? ''
    expect(id).not.toContain('upstream')
    await call('ls', {}, { 'mcp-session-id': id })
    expect(callsOf(server)[0]?.headers['mcp-session-id']).toBe('upstream-secret-1')
    expect(JSON.stringify(server.requests)).not.toContain(id)
  })

  test.each([['upstream-secret-1'], ['x'.repeat(32)], ['__proto__']])('the forged id %s is no session', async (id) => {
    const { post, call, server } = await start(echo)
    await post(initialize)
    const answer = await call('ls', {}, { 'mcp-session-id': id })
    expect(answer.status).toBe(404)
    expect(await answer.json()).toMatchObject({ error: { code: -32_001 } })
    expect(callsOf(server)).toEqual([])
  })

  test('end with DELETE, also at the server', async () => {
    const { post, call, door, server } = await start(echo)
    const id = (await post(initialize)).headers.get('mcp-session-id') ?? ''
    const ended = await fetch(`${door.url}/mcp/files`, { method: 'DELETE', headers: { 'mcp-session-id': id } })
    expect(ended.status).toBe(204)
    expect(server.requests.at(-1)).toMatchObject({
      method: 'DELETE',
      headers: { 'mcp-session-id': 'upstream-secret-1' },
    })
    expect((await call('ls', {}, { 'mcp-session-id': id })).status).toBe(404)
  })

  test('that the server has forgotten end here, too', async () => {
    const { post, call } = await start((body, response) => {
      if (body?.method === 'initialize') echo(body, response)
      else json(response, { jsonrpc: '2.0', id: null, error: { code: -32_001, message: 'gone' } }, {}, 404)
    })
    const id = (await post(initialize)).headers.get('mcp-session-id') ?? ''
    expect((await call('ls', {}, { 'mcp-session-id': id })).status).toBe(404)
  })

  test('of one caller are bounded: the oldest one ends', async () => {
    const { post, call, door } = await start(echo, [], { limits: { perOwnerMax: 2 } })
    const ids = []
    for (let i = 0; i < 3; i++) ids.push((await post(initialize)).headers.get('mcp-session-id') ?? '')
    expect(door.door.sessions).toBe(2)
    expect((await call('ls', {}, { 'mcp-session-id': ids[0] ?? '' })).status).toBe(404)
    expect((await call('ls', {}, { 'mcp-session-id': ids[2] ?? '' })).status).toBe(200)
  })
})

describe('what a server is told', () => {
  test('who asks, in params._meta, and nothing that the caller wrote in its place', async () => {
    const { post, door, server } = await start(echo)
    const secret = door.addKey({ agent_id: 'agent-1' })
    const headers = { authorization: `Bearer ${secret}`, 'x-conversation-id': 'conv-9' }
    const params = {
      name: 'ls',
      _meta: { progressToken: 3, keeptrusts_agent_id: 'forged', keeptrusts_session_id: 'forged' },
    }
    await post({ jsonrpc: '2.0', id: 1, method: 'tools/call', params }, headers)
    expect(server.requests[0]?.body?.params).toEqual({
      name: 'ls',
      _meta: { progressToken: 3, keeptrusts_conversation_id: 'conv-9', keeptrusts_agent_id: 'agent-1' },
    })
    expect(door.events()).toMatchObject([{ conversation_id: 'conv-9', agent_id: 'agent-1', verdict: 'allow' }])
  })

  test('the session, from its first message on', async () => {
    const { post, server } = await start(echo)
    const begun = await post({ jsonrpc: '2.0', id: 1, method: 'initialize', params: {} })
    await post(
      { jsonrpc: '2.0', id: 2, method: 'tools/list' },
      { 'mcp-session-id': begun.headers.get('mcp-session-id') ?? '' },
    )
    const [first, second] = server.requests.map(({ body }) => (body?.params as { _meta: object } | undefined)?._meta)
    expect(first).toEqual({
      keeptrusts_session_id: expect.stringMatching(/^ses_/),
      keeptrusts_conversation_id: expect.any(String),
    })
    expect(second).toEqual(first)
  })
})

describe('what a server answers', () => {
  const stream = (response: ServerResponse, frames: (string | object)[]) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    for (const frame of frames) response.write(typeof frame === 'string' ? frame : `data: ${JSON.stringify(frame)}\n\n`)
    response.end()
  }

  test.each<[string, Answer]>([
    ['a status of 500', (_, response) => json(response, {}, {}, 500)],
    ['a redirect', (_, response) => response.writeHead(302, { location: 'http://127.0.0.1:1/' }).end()],
    ['a page', (_, response) => response.writeHead(200, { 'content-type': 'text/html' }).end('<html>secret</html>')],
    ['no JSON', (_, response) => response.writeHead(200, { 'content-type': 'application/json' }).end('{"secret"')],
    [
      'an answer to something else',
      (_, response) => json(response, { jsonrpc: '2.0', id: 99, result: text('secret') }),
    ],
    ['a broken connection', (_, response) => response.destroy()],
    ['a stream without an answer', (_, response) => stream(response, [': secret\n\n'])],
    ['a stream of nonsense', (_, response) => stream(response, ['data: secret\n\n'])],
    ['an answer too large', (body, response) => json(response, result(body, text('secret'.repeat(2_000))))],
    ['a frame too large', (body, response) => stream(response, [result(body, text('secret'.repeat(2_000)))])],
  ])('%s becomes an error with the id of the call, and is recorded', async (_, answer) => {
    const { call, door } = await start(answer, [], { limits: { answerBytesMax: 5_000 } })
    const said = await (await call('ls')).text()
    expect(said).toContain('"id":7')
    expect(said).toContain('upstream_failed')
    expect(said).not.toContain('secret')
    expect(door.events()).toMatchObject([{ error_code: 'upstream_failed', attempts: [{ error: expect.any(String) }] }])
    expect(door.errors).toEqual([])
  })

  test.each(['127.0.0.1', 'localhost', '[::1]'])(
    'a server at %s is not called unless its target allows it',
    async (host) => {
      const server = await startFakeServer(echo)
      const url = server.url.replace('127.0.0.1', host)
      const door = await startDoor({ servers: { files: { url, extra: { allow_private_network: false } } } })
      open.push(door, server)
      const answer = await fetch(`${door.url}/mcp/files`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'ls' } }),
      })
      expect(answer.status).toBe(502)
      expect(door.events()).toMatchObject([{ attempts: [{ error: 'address_not_allowed' }] }])
      expect(server.requests).toEqual([])
    },
  )

  test('a server that does not answer is given up, and recorded so', async () => {
    const { call, door } = await start(() => {}, [], { limits: { callMsMax: 50 } })
    const answer = await call('ls')
    expect(answer.status).toBe(504)
    expect(await answer.json()).toMatchObject({ id: 7, error: { data: { code: 'upstream_timeout', retryable: true } } })
    expect(door.events()).toMatchObject([{ attempts: [{ error: 'call_too_long', status: null }] }])
  })

  test('credentials that the server refuses are not the caller’s fault', async () => {
    const { call } = await start((_, response) => json(response, { secret: 1 }, {}, 401))
    const answer = await call('ls')
    expect(answer.status).toBe(502)
    expect(await answer.json()).toMatchObject({ error: { data: { code: 'upstream_credentials_exhausted' } } })
  })

  test.each<[string, object]>([
    ['a text', text('the swordfish')],
    ['an embedded resource', { content: [{ type: 'resource', resource: { uri: 'a:b', text: 'the swordfish' } }] }],
    ['structured content', { content: [], structuredContent: { a: { b: ['the swordfish'] } } }],
    ['a link', { content: [{ type: 'resource_link', uri: 'a:swordfish', name: 'x' }] }],
    ['metadata', { content: [], _meta: { a: 'swordfish' } }],
  ])('what a policy takes out of %s is gone', async (_, answer) => {
    const { call, door } = await start(
      (body, response) => json(response, result(body, answer)),
      [wordPolicy('swordfish', ['output'])],
    )
    const said = await (await call('ls')).text()
    expect(said).toContain('[REDACTED]')
    expect(said).not.toContain('swordfish')
    expect(door.events()).toMatchObject([
      { verdict: 'redact', policy_results: [{ phase: 'output', kind: 'test-words' }] },
    ])
  })

  test('what a call that was made as a task has brought is no way around policies', async () => {
    const { post, door } = await start(
      (body, response) => json(response, result(body, text('the swordfish'))),
      [wordPolicy('swordfish', ['output'])],
    )
    const asked = await post({ jsonrpc: '2.0', id: 1, method: 'tasks/result', params: { taskId: 't1' } })
    expect(await asked.text()).toContain('the [REDACTED]')
    expect(door.events()).toMatchObject([{ verdict: 'redact', route: '/mcp/files tasks/result' }])
  })

  test.each<[string, (body: Record<string, unknown> | null) => object[]]>([
    ['its answer', (body) => [result(body, text('swordfish'))]],
    ['an error', (body) => [{ jsonrpc: '2.0', id: body?.id, error: { code: 1, message: 'swordfish' } }]],
    ['an answer to nobody', (body) => [{ jsonrpc: '2.0', id: 5, result: text('swordfish') }, result(body, text('x'))]],
    [
      'content beside a list',
      (body) => [{ jsonrpc: '2.0', id: 5, result: { tools: [], ...text('swordfish') } }, result(body, text('x'))],
    ],
    [
      'a notification',
      (body) => [
        { jsonrpc: '2.0', method: 'notifications/message', params: { data: 'swordfish' } },
        result(body, text('x')),
      ],
    ],
    [
      'a question',
      (body) => [
        { jsonrpc: '2.0', id: 'q', method: 'sampling/createMessage', params: { messages: ['swordfish'] } },
        result(body, text('x')),
      ],
    ],
  ])('a block holds back %s of a stream', async (_, frames) => {
    const { call, server } = await start(
      (body, response) => {
        if (body?.method === 'tools/call') stream(response, frames(body))
        else response.writeHead(202).end()
      },
      [wordPolicy('swordfish', ['output'], 'block')],
    )
    const said = await (await call('ls')).text()
    expect(said).not.toContain('swordfish')
    expect(said).toContain('"id":7')
    const refusals = server.requests.filter(({ body }) => body?.id === 'q')
    if (JSON.stringify(frames({})).includes('sampling'))
      expect(refusals).toMatchObject([{ body: { error: { code: -32_010 } } }])
  })

  test('comments and events that no client reads do not pass', async () => {
    const { call } = await start((body, response) =>
      stream(response, [
        ': swordfish\n\n',
        'event: other\ndata: swordfish\n\n',
        'id: 1\nretry: 5\ndata:\n\n',
        result(body, text('x')),
      ]),
    )
    const said = await (await call('ls')).text()
    expect(said).not.toContain('swordfish')
    expect(said).toContain('id: 1\nretry: 5\n')
  })

  test('a list of tools in a stream is filtered, also when it answers nobody here', async () => {
    const tools = { tools: [{ name: 'ls' }, { name: 'rm' }, { noName: true }] }
    const { post, door } = await start(
      (body, response) =>
        stream(response, [{ jsonrpc: '2.0', id: 55, result: tools }, ...(body ? [result(body, tools)] : [])]),
      [policyOf(AGENT_FIREWALL, { blocked_tools: ['rm'] })],
    )
    const said = await (await post({ jsonrpc: '2.0', id: 1, method: 'tools/list' })).text()
    const heard = await (await fetch(`${door.url}/mcp/files`, { headers: { 'last-event-id': 'e1' } })).text()
    expect(said.match(/"ls"/g)).toHaveLength(2)
    expect(heard.match(/"ls"/g)).toHaveLength(1)
    expect(said + heard).not.toContain('"rm"')
  })

  test('a stream that can be taken up again may end early, and Last-Event-ID goes to the server', async () => {
    const { call, door, server } = await start((body, response) =>
      stream(response, body === null ? [{ jsonrpc: '2.0', id: 7, result: text('late') }] : ['id: e1\ndata:\n\n']),
    )
    expect(await (await call('ls')).text()).not.toContain('error')
    const heard = await fetch(`${door.url}/mcp/files`, { headers: { 'last-event-id': 'e1' } })
    expect(await heard.text()).toContain('late')
    expect(server.requests.at(-1)?.headers['last-event-id']).toBe('e1')
    expect(door.events()).toMatchObject([{ attempts: [{ error: 'stream_closed_early' }] }])
  })
})

describe('limits of a session', () => {
  test('hold across calls, and however many come at once', async () => {
    const { call, server } = await start(echo, [policyOf(AGENT_FIREWALL, { max_actions_per_session: 3 })])
    const answers = await Promise.all(Array.from({ length: 10 }, async () => (await call('ls')).json()))
    expect(answers.filter((answer) => 'result' in answer)).toHaveLength(3)
    expect(callsOf(server)).toHaveLength(3)
  })

  test('do not count what was refused', async () => {
    const { call } = await start(echo, [
      policyOf(AGENT_FIREWALL, { blocked_tools: ['rm'], max_actions_per_session: 1 }),
    ])
    for (let i = 0; i < 3; i++) await call('rm')
    expect(await (await call('ls')).json()).toHaveProperty('result')
    expect(await (await call('ls')).json()).toHaveProperty('error')
  })

  test('count what a tool said against its budget', async () => {
    const { call } = await start(
      (body, response) => json(response, result(body, text('x'.repeat(500)))),
      [policyOf(TOOL_BUDGET, { budgets: { ls: { max_tokens: 100 } } })],
    )
    expect(await (await call('ls')).json()).toHaveProperty('result')
    expect(await (await call('ls')).json()).toMatchObject({
      error: { data: { reason_code: 'tool_budget.tokens_exceeded' } },
    })
    expect(await (await call('cat')).json()).toHaveProperty('result')
  })

  test('failures of tools halt it', async () => {
    const { call, server } = await start(
      (body, response) => json(response, result(body, { ...text('no'), isError: true })),
      [policyOf(AGENT_FIREWALL, { kill_switches: { max_errors_before_halt: 2 } })],
    )
    for (let i = 0; i < 3; i++) await call('ls')
    expect(callsOf(server)).toHaveLength(2)
  })

  test('a dangerous call halts it for good', async () => {
    const { call, server } = await start(echo, [
      policyOf(AGENT_FIREWALL, { kill_switches: { halt_on_suspicious_pattern: true } }),
    ])
    await call('run', { cmd: 'x; rm -rf /' })
    const after = await (await call('ls')).json()
    expect(after).toMatchObject({ error: { data: { code: 'input_blocked', reason_code: 'agent_firewall.halted' } } })
    expect(server.requests).toEqual([])
  })

  test('what needs a person is escalated', async () => {
    const { call, door, server } = await start(echo, [
      policyOf(AGENT_FIREWALL, { transaction_limits: { require_approval_above: 10 } }),
    ])
    const answer = await (await call('pay', { amount: 11 })).json()
    expect(answer).toMatchObject({ error: { data: { code: 'escalation_required' } } })
    expect(door.events()).toMatchObject([{ verdict: 'escalate', error_code: 'escalation_required' }])
    expect(server.requests).toEqual([])
  })
})

describe('what is not a call of a tool', () => {
  test('is one event and goes through policies, unless it only names things', async () => {
    const { post, server, door } = await start(echo, [wordPolicy('secret', ['input', 'output'])])
    const ask = async (method: string, params: object) =>
      (await post({ jsonrpc: '2.0', id: 1, method, params })).json() as Promise<{ result: unknown }>
    const governed = ['resources/subscribe', 'resources/unsubscribe', 'tasks/cancel', 'x-acme/train']
    for (const method of governed) {
      const said = await ask(method, { uri: 'file:///a', note: { text: 'a secret' } })
      expect([method, JSON.stringify(said)]).toEqual([method, expect.stringContaining('a [REDACTED]')])
    }
    for (const method of ['ping', 'logging/setLevel', 'tools/list', 'prompts/list', 'resources/list', 'tasks/get']) {
      await ask(method, {})
    }
    expect(server.requests.map(({ text }) => text).join()).not.toContain('secret')
    expect(server.requests).toHaveLength(10)
    expect(door.events().map(({ route, verdict }) => [route, verdict])).toEqual(
      governed.map((method) => [`/mcp/files ${method}`, 'redact']),
    )
  })

  test('that policies refuse reaches no server', async () => {
    const { post, server, door } = await start(echo, [wordPolicy('secret', ['input'], 'block')])
    const answer = await post({ jsonrpc: '2.0', id: 1, method: 'x-acme/train', params: { text: 'secret' } })
    expect(await answer.json()).toMatchObject({ error: { code: -32_010, data: { code: 'input_blocked' } } })
    expect(server.requests).toEqual([])
    expect(door.events()).toMatchObject([{ verdict: 'block', error_code: 'input_blocked', model_requested: null }])
  })
})

describe('what one caller holds is bounded', () => {
  /** Streams of the server that say one thing and stay open. */
  const listening: Answer = (body, response) => {
    if (body !== null) return echo(body, response)
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    response.write(': hello\n\n')
  }
  const listen = (url: string, headers: Record<string, string> = {}) => {
    const leave = new AbortController()
    const answer = fetch(`${url}/mcp/files`, {
      headers: { accept: 'text/event-stream', ...headers },
      signal: leave.signal,
    })
    return { answer, leave: () => leave.abort() }
  }

  test('streams that listen, without a session, too; and another caller has its own', async () => {
    const { door } = await start(listening, [], { limits: { streamsPerOwnerMax: 2 } })
    const key = { authorization: `Bearer ${door.addKey()}` }
    const open = [listen(door.url), listen(door.url)]
    for (const { answer } of open) expect((await answer).status).toBe(200)
    const refused = await listen(door.url).answer
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, '60'])
    expect(await refused.json()).toMatchObject({ error: { code: -32_600, data: { code: 'rate_limited' } } })
    expect((await listen(door.url, key).answer).status).toBe(200)
    open[0]?.leave()
    await expect.poll(async () => (await listen(door.url).answer).status, { timeout: 10_000 }).toBe(200)
  })

  test('bytes of messages, answers and frames: what has no room is refused, and room comes back', async () => {
    const whole: Answer = (body, response) => json(response, result(body, text('x'.repeat(60_000))))
    const { door, call } = await start(whole, [], { heldBytesMax: 100_000 })
    const tooMuch = await call('send', { text: 'y'.repeat(50_000) })
    expect([tooMuch.status, (await tooMuch.json()).error.data.code]).toEqual([503, 'overloaded'])
    await expect.poll(() => door.budget.taken, { timeout: 10_000 }).toBe(0)
    const body = await call('send', { text: 'y'.repeat(100_000) })
    expect([body.status, body.headers.get('retry-after')]).toEqual([503, '1'])
    expect((await call('send')).status).toBe(200)
    expect(door.events()).toMatchObject([{ error_code: 'overloaded', attempts: [{ error: 'gateway_full' }] }, {}])
    await expect.poll(() => door.budget.taken, { timeout: 10_000 }).toBe(0)
  })

  test('a frame that never ends has no more room than others leave', async () => {
    const endless: Answer = (body, response) => {
      if (body?.method === 'tools/call') response.writeHead(200, { 'content-type': 'text/event-stream' })
      response.write(`data: ${'x'.repeat(200_000)}`)
    }
    const { door, call } = await start(endless, [], { heldBytesMax: 100_000 })
    expect(await (await call('send')).text()).toContain('"overloaded"')
    await expect.poll(() => door.budget.taken, { timeout: 10_000 }).toBe(0)
  })
})

test('a stopping gateway ends the streams that only listen', async () => {
  const { door } = await start((_, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders()
  })
  const listening = await fetch(`${door.url}/mcp/files`)
  expect(door.door.active).toBe(0)
  door.door.endStreams()
  expect(await listening.text()).toBe('')
})

test('personal data is taken out of arguments and results by the kind that does it everywhere', async () => {
  const { call, server } = await start(
    (body, response) => json(response, result(body, text('Write to ada@example.com.'))),
    [policyOf(PII_DETECTOR, {})],
  )
  const said = await (await call('send', { to: 'grace@example.com' })).text()
  expect(server.requests).toHaveLength(1)
  expect(server.requests[0]?.text).not.toContain('grace@')
  expect(said).toContain('Write to ')
  expect(said).not.toContain('ada@')
})

test('an empty chain passes calls through', async () => {
  expect(chainOf([]).phases.tool).toEqual([])
  const { call } = await start(echo)
  expect(await (await call('ls', { a: 1 })).json()).toHaveProperty('result')
})
