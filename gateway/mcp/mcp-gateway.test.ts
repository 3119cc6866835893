import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { McpError } from '@modelcontextprotocol/sdk/types.js'
import { afterAll, afterEach, describe, expect, test } from 'vitest'
import { compileConfig } from '@/lib/policy/compile'
import { lintPolicyConfig } from '@/lib/policy/config'
import { startTestGateway, type TestGateway } from '../testing'
import { startEverything, startFakeServer } from './mcp-testing'

const everything = await startEverything()
afterAll(() => everything.close())

const open: { close(): Promise<void> }[] = []
afterEach(async () => {
  for (const one of open.splice(0)) await one.close()
})

const CHAIN = `policies: {chain: [agent-firewall, pii-detector]}
policy: {agent-firewall: {blocked_tools: [get-env]}, pii-detector: {action: redact}}`

/** A whole gateway under a configuration as people write it, with one MCP server behind it. */
async function gatewayTo(url: string, yaml = CHAIN, options: Parameters<typeof startTestGateway>[0] = {}) {
  const text = `pack: {name: test, version: 1.2.3, enabled: true}
providers: {targets: [{id: everything, provider: mcp, base_url: '${url}', allow_private_network: true}]}
${yaml}`
  const { config, diagnostics } = lintPolicyConfig(text)
  if (config === null) throw new Error(diagnostics.map(({ message }) => message).join('\n'))
  const compiled = compileConfig(config, {}, { clock: () => performance.now() })
  const gateway = await startTestGateway({ config: compiled, targets: [...compiled.targets], ...options })
  open.push(gateway)
  return gateway
}

async function connect(gateway: TestGateway, key: string) {
  const client = new Client({ name: 'test', version: '1.0.0' })
  const requestInit = { headers: { authorization: `Bearer ${key}` } }
  const transport = new StreamableHTTPClientTransport(new URL(`${gateway.url}/mcp/everything`), { requestInit })
  await client.connect(transport)
  open.unshift(client)
  return client
}

const textOf = (result: unknown) => (result as { content: { text: string }[] }).content[0]?.text

const post = (gateway: TestGateway, key: string, method: string, params: object = {}) =>
  fetch(`${gateway.url}/mcp/everything`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${key}`,
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
    },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }),
  })

describe('the official client, a whole gateway, the reference server', () => {
  test('a tool that is not allowed is not listed and cannot be called; what a tool says is redacted; each call is one event', async () => {
    const gateway = await gatewayTo(everything.url, CHAIN, {
      settings: { payload_capture: 'full' },
    })
    const client = await connect(gateway, gateway.addKey())
    const names = (await client.listTools()).tools.map(({ name }) => name)
    expect(names).toContain('echo')
    expect(names).not.toContain('get-env')
    expect(gateway.events()).toEqual([])

    const blocked = await client.callTool({ name: 'get-env', arguments: {} }).catch((thrown: unknown) => thrown)
    expect(blocked).toBeInstanceOf(McpError)
    const said = await client.callTool({ name: 'echo', arguments: { message: 'Write to ana@example.com.' } })
    expect(textOf(said)).toMatch(/^Echo: Write to \S+$/)
    expect(textOf(said)).not.toContain('ana@example.com')

    expect(gateway.events()).toMatchObject([
      {
        api_shape: 'mcp',
        verdict: 'block',
        reason_code: 'agent_firewall.tool_blocked',
        model_requested: 'get-env',
        attempts: [],
        token_name: 'test-key',
      },
      {
        api_shape: 'mcp',
        verdict: 'redact',
        reason_code: 'pii.detected',
        model_requested: 'echo',
        status_code: 200,
        attempts: [{ target_id: 'everything', status: 200 }],
      },
    ])
    const [, capture] = gateway.captures()
    const bytes = (text: string | null | undefined) => Buffer.from(text ?? '', 'base64').toString()
    expect(bytes(capture?.request)).toContain('"tools/call"')
    expect(bytes(capture?.response)).toContain('Echo: ')
    expect(bytes(capture?.response)).not.toContain('ana@example.com')
    expect(gateway.errors).toEqual([])
  })

  test('payloads are not kept unless they are wanted', async () => {
    const gateway = await gatewayTo(everything.url)
    const client = await connect(gateway, gateway.addKey())
    await client.callTool({ name: 'echo', arguments: { message: 'hi' } })
    expect(gateway.captures()).toEqual([undefined])
  })
})

describe('limits and networks hold for tools as for models', () => {
  const answering: Parameters<typeof startFakeServer>[0] = (body, response) => {
    response.writeHead(200, { 'content-type': 'application/json' })
    response.end(JSON.stringify({ jsonrpc: '2.0', id: body?.id, result: { content: [] } }))
  }

  test('a limit of a key refuses the call after the last, and records it', async () => {
    const server = await startFakeServer(answering)
    open.push(server)
    const gateway = await gatewayTo(server.url, 'policies: {chain: []}\nlimits: {per_key: {rpm: 1}}')
    const key = gateway.addKey()
    expect((await post(gateway, key, 'tools/call', { name: 'a' })).status).toBe(200)
    const refused = await post(gateway, key, 'tools/call', { name: 'a' })
    expect([refused.status, Number(refused.headers.get('retry-after')) > 0]).toEqual([429, true])
    expect(await refused.json()).toMatchObject({ id: 1, error: { data: { code: 'rate_limited' } } })
    expect(server.requests).toHaveLength(1)
    expect(gateway.events()).toMatchObject([
      { verdict: 'allow' },
      {
        verdict: 'block',
        reason_code: 'rate.key-requests',
        error_code: 'rate_limited',
        status_code: 429,
        attempts: [],
      },
    ])
  })

  test('what is under way counts, and is given back', async () => {
    const server = await startFakeServer(answering)
    open.push(server)
    const gateway = await gatewayTo(server.url, 'policies: {chain: []}\nlimits: {per_key: {max_parallel_requests: 1}}')
    const key = gateway.addKey()
    for (let call = 0; call < 3; call += 1) expect((await post(gateway, key, 'ping')).status).toBe(200)
  })

  test('an address that is not on the list reaches no server', async () => {
    const server = await startFakeServer(answering)
    open.push(server)
    const gateway = await gatewayTo(server.url, 'policies: {chain: []}\nnetwork: {ip_allowlist: {cidrs: [10.0.0.0/8]}}')
    const refused = await post(gateway, gateway.addKey(), 'ping')
    expect([refused.status, (await refused.json()).error.data.code]).toEqual([403, 'address_not_allowed'])
    expect(server.requests).toEqual([])
  })

  test('an address of this machine is not called unless the target allows it, however it is written', async () => {
    const gateway = await gatewayTo('http://169.254.169.254/mcp', 'policies: {chain: []}')
    const { config } = gateway.store.current
    if (config === null) throw new Error('no configuration')
    const targets = config.compiled.targets.map((target) => ({ ...target, allowPrivateNetwork: false }))
    gateway.store.swap({ config: { ...config, compiled: { ...config.compiled, targets } } })
    const refused = await post(gateway, gateway.addKey(), 'tools/call', { name: 'a' })
    expect(refused.status).toBe(502)
    expect(gateway.events()).toMatchObject([{ attempts: [{ error: 'address_not_allowed', status: null }] }])
  })
})

test('callers without a key share nothing: they are told apart by their address behind the proxies', async () => {
  const server = await startFakeServer((body, response) => {
    response.writeHead(200, { 'content-type': 'application/json' })
    response.end(JSON.stringify({ jsonrpc: '2.0', id: body?.id, result: { content: [] } }))
  })
  open.push(server)
  const gateway = await gatewayTo(
    server.url,
    'policies: {chain: [agent-firewall]}\npolicy: {agent-firewall: {max_actions_per_session: 1}}\nnetwork: {trust_proxy_depth: 1}\ngateway: {anonymous: loopback}',
  )
  const callFrom = async (address: string) => {
    const response = await fetch(`${gateway.url}/mcp/everything`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-forwarded-for': address },
      body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'a' } }),
    })
    return (await response.json()).error?.data.code ?? 'ok'
  }
  expect(await callFrom('192.0.2.1')).toBe('ok')
  expect(await callFrom('192.0.2.1')).toBe('tool_blocked')
  expect(await callFrom('192.0.2.2')).toBe('ok')
})

test('a secret that the server does not take is followed by the next, and the session stays with the one it began with', async () => {
  const server = await startFakeServer((body, response, { headers }) => {
    const isKnown = headers.authorization === 'Bearer second'
    response.writeHead(isKnown ? 200 : 401, { 'content-type': 'application/json', 'mcp-session-id': 's1' })
    response.end(JSON.stringify({ jsonrpc: '2.0', id: body?.id, result: { content: [] } }))
  })
  open.push(server)
  const gateway = await gatewayTo(server.url, 'policies: {chain: []}')
  const { config } = gateway.store.current
  if (config === null) throw new Error('no configuration')
  const targets = config.compiled.targets.map((target) => ({
    ...target,
    secret: 'first',
    secrets: ['first', 'second'],
  }))
  gateway.store.swap({ config: { ...config, compiled: { ...config.compiled, targets } } })
  const key = gateway.addKey()
  const begun = await post(gateway, key, 'initialize')
  expect(begun.status).toBe(200)
  const session = begun.headers.get('mcp-session-id') ?? ''
  const next = await fetch(`${gateway.url}/mcp/everything`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json', 'mcp-session-id': session },
    body: JSON.stringify({ jsonrpc: '2.0', id: 2, method: 'ping' }),
  })
  expect(next.status).toBe(200)
  expect(server.requests.map(({ headers }) => headers.authorization)).toEqual([
    'Bearer first',
    'Bearer second',
    'Bearer second',
  ])
})
