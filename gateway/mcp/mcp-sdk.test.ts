import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { McpError } from '@modelcontextprotocol/sdk/types.js'
import { afterAll, describe, expect, test } from 'vitest'
import { AGENT_FIREWALL } from '@/lib/policy/kinds/agent-firewall'
import { TOOL_SECURITY } from '@/lib/policy/kinds/tool-security'
import { policyOf } from '@/lib/policy/kinds/tool-testing'
import { TOOL_VALIDATION } from '@/lib/policy/kinds/tool-validation'
import { startDoor, startEverything, wordPolicy } from './mcp-testing'

const everything = await startEverything()
const door = await startDoor({
  servers: { everything },
  policies: [
    policyOf(AGENT_FIREWALL, { blocked_tools: ['get-env', 'toggle-*'] }),
    policyOf(TOOL_VALIDATION, {
      allow_undeclared: true,
      schemas: { 'get-sum': { type: 'object', properties: { a: { type: 'number', maximum: 100 } } } },
    }),
    policyOf(TOOL_SECURITY, {}),
    wordPolicy('swordfish', ['input', 'output']),
    wordPolicy('Cloudy', ['output']),
  ],
})
afterAll(async () => {
  await door.close()
  await everything.close()
})

async function connect(headers: Record<string, string> = {}) {
  const client = new Client({ name: 'test', version: '1.0.0' })
  const transport = new StreamableHTTPClientTransport(new URL(`${door.url}/mcp/everything`), {
    requestInit: { headers },
  })
  await client.connect(transport)
  return { client, transport }
}
const textOf = (result: unknown) => (result as { content: { text: string }[] }).content[0]?.text

describe('the official client and the reference server', () => {
  test('begin, list, call, read, prompt and end a session', async () => {
    const { client, transport } = await connect()
    expect(client.getServerVersion()?.name).toContain('everything')
    expect(transport.sessionId).toMatch(/^[\w-]{32}$/)
    await client.ping()
    const { resources } = await client.listResources()
    const read = await client.readResource({ uri: resources[0]?.uri ?? '' })
    expect(read.contents).toHaveLength(1)
    const { prompts } = await client.listPrompts()
    const prompt = await client.getPrompt({ name: prompts[0]?.name ?? '' })
    expect(prompt.messages.length).toBeGreaterThan(0)
    const before = door.records.length
    expect(textOf(await client.callTool({ name: 'echo', arguments: { message: 'hello' } }))).toBe('Echo: hello')
    expect(door.records.length).toBe(before + 1)
    await transport.terminateSession()
    await client.close()
    expect(door.errors).toEqual([])
  })

  test('progress streams through while a call runs', async () => {
    const { client } = await connect()
    const seen: number[] = []
    const result = await client.callTool(
      { name: 'trigger-long-running-operation', arguments: { duration: 0.5, steps: 4 } },
      undefined,
      { onprogress: ({ progress }) => seen.push(progress) },
    )
    expect(textOf(result)).toContain('completed')
    expect(seen).toEqual([1, 2, 3, 4])
    await client.close()
  })

  test('structured content arrives as its schema says, with what a policy takes out', async () => {
    const { client } = await connect()
    const result = await client.callTool({ name: 'get-structured-content', arguments: { location: 'New York' } })
    expect(result.structuredContent).toMatchObject({ temperature: expect.any(Number), conditions: '[REDACTED]' })
    expect(JSON.stringify(result)).not.toContain('Cloudy')
    expect(door.records.at(-1)).toMatchObject({ verdict: 'redact', reasonCode: 'test.word' })
    await client.close()
  })

  test('arguments are redacted before the server sees them', async () => {
    const { client } = await connect()
    const result = await client.callTool({ name: 'echo', arguments: { message: 'the swordfish swims' } })
    expect(textOf(result)).toBe('Echo: the [REDACTED] swims')
    await client.close()
  })
})

describe('tools that policies refuse', () => {
  test('are not listed', async () => {
    const { client } = await connect()
    const names = (await client.listTools()).tools.map(({ name }) => name)
    expect(names).toContain('echo')
    expect(names).not.toContain('get-env')
    expect(names.filter((name) => name.startsWith('toggle-'))).toEqual([])
    await client.close()
  })

  test.each([
    ['get-env', {}, 'agent-firewall', 'agent_firewall.tool_blocked'],
    ['get-sum', { a: 1_000, b: 1 }, 'tool-validation', 'tool_validation.invalid_arguments'],
    ['echo', { message: 'x; rm -rf /' }, 'tool-security', 'tool_security.shell_injection'],
  ])('%s %j is answered with an error that says so, and recorded', async (name, args, policy, reason) => {
    const { client } = await connect()
    const error = await client.callTool({ name, arguments: args }).catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(McpError)
    expect(error).toMatchObject({
      code: -32_010,
      data: { code: 'tool_blocked', policy, reason_code: reason, retryable: false },
    })
    const event = door.events().at(-1)
    expect(event).toMatchObject({
      verdict: 'block',
      reason_code: reason,
      error_code: 'tool_blocked',
      api_shape: 'mcp',
      model_requested: name,
      attempts: [],
      event_id: (error as McpError & { data: { event_id: string } }).data.event_id,
    })
    await client.close()
  })
})

test('a session belongs to the key that began it', async () => {
  const [mine, yours] = [door.addKey(), door.addKey()]
  const { transport } = await connect({ authorization: `Bearer ${mine}` })
  const ping = (secret: string) =>
    fetch(`${door.url}/mcp/everything`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${secret}`,
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
        'mcp-session-id': transport.sessionId ?? '',
      },
      body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'ping' }),
    })
  expect((await ping(mine)).status).toBe(200)
  expect((await ping(yours)).status).toBe(404)
})
