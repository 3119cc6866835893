import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { CreateMessageRequestSchema, ElicitRequestSchema } from '@modelcontextprotocol/sdk/types.js'
import { afterAll, afterEach, describe, expect, test } from 'vitest'
import { startDoor, startEverything, startFakeServer, wordPolicy } from './mcp-testing'

const everything = await startEverything()
const door = await startDoor({
  servers: { everything },
  policies: [wordPolicy('marlin', ['input']), wordPolicy('barracuda', ['input'], 'block')],
})
afterAll(async () => {
  await door.close()
  await everything.close()
})
const open: { close(): Promise<void> }[] = []
afterEach(async () => {
  for (const one of open.splice(0)) await one.close()
})

/** A client whose model says `said`, and whose user writes it. */
async function connect(said: string) {
  const client = new Client({ name: 'test', version: '1.0.0' }, { capabilities: { sampling: {}, elicitation: {} } })
  client.setRequestHandler(CreateMessageRequestSchema, () => ({
    model: 'test',
    role: 'assistant' as const,
    content: { type: 'text' as const, text: said },
  }))
  client.setRequestHandler(ElicitRequestSchema, () => ({ action: 'accept' as const, content: { name: said } }))
  await client.connect(new StreamableHTTPClientTransport(new URL(`${door.url}/mcp/everything`)))
  // The server offers the tools that ask back once it has heard what this client can do.
  await client.listTools()
  return client
}

const ask = { name: 'trigger-sampling-request', arguments: { prompt: 'Which fish?', maxTokens: 20 } }
const elicit = { name: 'trigger-elicitation-request', arguments: {} }
const eventsOf = (route: string) => door.events().filter((event) => event.route === `/mcp/everything ${route}`)

describe('what a client answers to a question of the server', () => {
  test.each([
    ['its model said', ask],
    ['its user wrote', elicit],
  ])('is redacted before the server sees what %s, and recorded', async (_, call) => {
    const client = await connect('the marlin swims')
    const before = eventsOf('response').length
    const result = JSON.stringify(await client.callTool(call))
    expect(result).toContain('the [REDACTED] swims')
    expect(result).not.toContain('marlin')
    expect(eventsOf('response').slice(before)).toMatchObject([
      { verdict: 'redact', reason_code: 'test.word', status_code: 202, error_code: null, model_requested: null },
    ])
    await client.close()
    expect(door.errors).toEqual([])
  })

  test('does not reach the server when a policy refuses it: the server hears of an error and waits no longer', async () => {
    const client = await connect('a barracuda')
    const before = eventsOf('response').length
    const result = await client.callTool(ask).catch((error: unknown) => String(error))
    expect(JSON.stringify(result)).toContain('There is a word in it.')
    expect(JSON.stringify(result)).not.toContain('barracuda')
    expect(eventsOf('response').slice(before)).toMatchObject([
      { verdict: 'block', status_code: 409, error_code: 'input_blocked', attempts: [] },
    ])
    await client.close()
  })
})

describe('a notification of a client', () => {
  async function start() {
    const server = await startFakeServer((_, response) => response.writeHead(202).end())
    const own = await startDoor({
      servers: { files: { url: server.url } },
      policies: [wordPolicy('marlin', ['input']), wordPolicy('barracuda', ['input'], 'block')],
    })
    open.push(own, server)
    const post = (message: object) =>
      fetch(`${own.url}/mcp/files`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', accept: 'application/json, text/event-stream' },
        body: JSON.stringify({ jsonrpc: '2.0', ...message }),
      })
    return { server, door: own, post }
  }
  const cancelled = (reason: string) => ({ method: 'notifications/cancelled', params: { requestId: 7, reason } })

  test('that says something is redacted and recorded', async () => {
    const { server, door, post } = await start()
    expect((await post(cancelled('the marlin swims'))).status).toBe(202)
    expect(server.requests).toMatchObject([{ body: { params: { requestId: 7, reason: 'the [REDACTED] swims' } } }])
    expect(door.events()).toMatchObject([{ verdict: 'redact', route: '/mcp/files notifications/cancelled' }])
  })

  test('that a policy refuses reaches no server', async () => {
    const { server, door, post } = await start()
    const answer = await post(cancelled('a barracuda'))
    expect([answer.status, await answer.json()]).toMatchObject([
      409,
      { id: null, error: { code: -32_010, data: { code: 'input_blocked' } } },
    ])
    expect(server.requests).toEqual([])
    expect(door.events()).toMatchObject([{ verdict: 'block', error_code: 'input_blocked' }])
  })

  test('that names things only passes as it is, and leaves no record', async () => {
    const { server, door, post } = await start()
    const progress = { progressToken: 'p', progress: 1, total: 2 }
    await post({ method: 'notifications/initialized' })
    await post({ method: 'notifications/progress', params: progress })
    expect(server.requests.map(({ body }) => body?.params)).toEqual([undefined, progress])
    expect(door.records).toEqual([])
  })

  test('does not say who asks in our name', async () => {
    const { server, post } = await start()
    const _meta = { keeptrusts_agent_id: 'somebody else', own: 1 }
    await post({ method: 'notifications/progress', params: { progressToken: 'p', progress: 1, _meta } })
    expect(server.requests).toMatchObject([{ body: { params: { _meta: { own: 1 } } } }])
    expect(server.requests[0]?.text).not.toContain('keeptrusts')
  })

  test('that cannot be recorded is said to be so', async () => {
    const { door, post } = await start()
    door.flags.isBroken = true
    const answer = await post(cancelled('enough'))
    expect([answer.status, await answer.text()]).toEqual([503, expect.stringContaining('audit_unavailable')])
  })
})

test('a request that only names things is decided on when it carries anything in its metadata', async () => {
  const server = await startFakeServer((body, response) =>
    response
      .writeHead(200, { 'content-type': 'application/json' })
      .end(JSON.stringify({ jsonrpc: '2.0', id: body?.id, result: {} })),
  )
  const own = await startDoor({ servers: { files: { url: server.url } }, policies: [wordPolicy('marlin', ['input'])] })
  open.push(own, server)
  const ping = (_meta: object) =>
    fetch(`${own.url}/mcp/files`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'application/json, text/event-stream' },
      body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'ping', params: { _meta } }),
    })
  await ping({ progressToken: 1 })
  await ping({ note: 'the marlin swims' })
  expect(server.requests.map(({ text }) => text).join()).not.toContain('marlin')
  expect(own.events()).toMatchObject([{ verdict: 'redact', route: '/mcp/files ping' }])
})
