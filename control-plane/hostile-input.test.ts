import { afterAll, describe, expect, test } from 'vitest'
import { ENDPOINTS } from '@/lib/contract/all'
import { pathNames } from '@/lib/contract/endpoint'
import { organization as contract } from '@/lib/contract/organization'
import { tokens } from '@/lib/contract/tokens'
import { startControlPlane } from './testing'

const plane = await startControlPlane()
afterAll(() => plane.stop())
const organization = await plane.organization('Before')
const owner = await organization.as('role_owner')
const { token } = owner

const rename = (body: BodyInit, headers: Record<string, string> = {}) =>
  plane.send('PATCH', '/v1/organization', { token, body, headers })
const nested = (depth: number) => `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`

describe('a body', () => {
  test.each<[string, BodyInit]>([
    ['is not JSON', 'name=x'],
    ['is cut off', '{"name":"x"'],
    ['is empty', ''],
    ['is null', 'null'],
    ['is a list', '[]'],
    ['is a text', '"x"'],
    ['lacks a field', '{}'],
    ['has a wrong type', '{"name":1}'],
    ['has an object for a text', '{"name":{"$gt":""}}'],
    ['has an unknown field', '{"name":"x","role":"owner"}'],
    ['has __proto__', '{"name":"x","__proto__":{"admin":true}}'],
    ['has constructor', '{"name":"x","constructor":{"prototype":{"admin":true}}}'],
    ['is nested 100,000 deep', nested(100_000)],
    ['is nested 100,000 deep in lists', '['.repeat(100_000)],
    ['holds NUL', '{"name":"a\\u0000b"}'],
    ['holds a raw NUL', '{"name":"a\u0000b"}'],
    ['holds half a character', '{"name":"a\\ud800b"}'],
    ['holds a line break', '{"name":"a\\r\\nset-cookie: x=y"}'],
    ['turns the words around it', '{"name":"a\\u202eb"}'],
    ['hides a direction in isolates', '{"name":"a\\u2067b"}'],
    ['holds a name too long', JSON.stringify({ name: 'x'.repeat(81) })],
    ['is not UTF-8', new Uint8Array([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x7d])],
    ['is UTF-16', new Uint8Array(Buffer.from('{"name":"x"}', 'utf16le'))],
    ['begins with another object', '{"name":"a"}{"name":"b"}'],
    ['has NaN', '{"name":NaN}'],
  ])('that %s is refused in words', async (_, body) => {
    const { status, json, headers } = await rename(body)
    expect(status).toBe(400)
    expect(headers.get('content-type')).toBe('application/problem+json')
    expect(json).toMatchObject({ code: 'invalid_request', status: 400, request_id: expect.stringMatching(/^req_/) })
    expect(await owner(contract.get, {})).toMatchObject({ name: 'Before' })
    expect(Object.prototype).not.toHaveProperty('admin')
  })

  test('of more than 1 MiB is refused, announced or not', async () => {
    const large = JSON.stringify({ name: 'x'.repeat(1_100_000) })
    expect((await rename(large, { 'content-length': String(large.length) })).json.code).toBe('body_too_large')
    expect((await rename(large)).status).toBe(413)
    expect((await rename(large, { 'content-length': '10' })).status).toBe(413)
  })

  test.each(['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data', 'application/jsonx', ''])(
    'of type %j is refused',
    async (type) => {
      const { status, json } = await rename('{"name":"x"}', { 'content-type': type })
      expect([status, json.code]).toEqual([415, 'unsupported_media_type'])
    },
  )
})

test.each(['\u0000', '\ud800', 'x\udfffy'])('a text that cannot be stored is named: %j', async (known_checkpoint) => {
  const body = JSON.stringify({ start_time: '24h', known_checkpoint })
  const { json } = await plane.send('POST', '/v1/trail/verify', { token, body })
  expect(json).toMatchObject({ status: 400, code: 'invalid_request', errors: [{ path: 'known_checkpoint' }] })
})

describe('words of another language', () => {
  test.each([
    "'; drop table tokens; --",
    "Robert') --",
    '#{7*7}',
    '{{7*7}}',
    '<script>alert(1)</script>',
    '%00',
    '../../etc/passwd',
    '\\',
    '"',
    '😀 é ü',
  ])('are a name like any other: %s', async (name) => {
    const made = await owner(tokens.create, { name, token_type: 'gateway' })
    expect(made.token.name).toBe(name)
    expect((await owner(tokens.list, { name })).items).toHaveLength(1)
    expect((await owner(tokens.list, { q: name })).items.map((item) => item.name)).toContain(name)
  })
})

describe('a query', () => {
  test.each([
    ['an unknown name', '?nmae=x'],
    ['a name given twice', '?limit=1&limit=2'],
    ['__proto__', '?__proto__=1'],
    ['a limit of nothing', '?limit=0'],
    ['a limit too high', '?limit=201'],
    ['a limit that is no number', '?limit=ten'],
    ['a limit that is not whole', '?limit=1.5'],
    ['a limit beyond all numbers', '?limit=1e999'],
    ['an unknown value', '?status=any'],
    ['NUL in a name', '?name=a%00b'],
    ['NUL in a search', '?q=a%00b'],
    ['a long search', `?q=${'x'.repeat(300)}`],
  ])('with %s is refused', async (_, query) => {
    const { status, json } = await plane.send('GET', `/v1/tokens${query}`, { token })
    expect([status, json.code]).toEqual([400, 'invalid_request'])
  })

  test.each([
    'since=999999w',
    'until=999999w',
    'since=+275760-09-13',
    'since=-271821-04-20',
    'since=0001-01-01',
    'until=9999-12-31',
  ])('about the ends of time is answered: %s', async (query) => {
    expect((await plane.send('GET', `/v1/activity?${query}`, { token })).status).toBeLessThan(500)
  })

  test('that is too long is refused before anything reads it', async () => {
    const { status, json } = await plane.send('GET', `/v1/tokens?q=${'x'.repeat(9_000)}`, { token })
    expect([status, json.code]).toEqual([414, 'uri_too_long'])
  })
})

describe('an id', () => {
  test.each([
    'tok_1',
    'tok_%00',
    'tok_%ff',
    'TOK_1',
    "tok_' or 1=1",
    '..%2f..%2f',
    '%',
    'usr_01',
    `tok_${'a'.repeat(100)}`,
    '__proto__',
  ])('that cannot be one is refused as a request or not found, never more: %s', async (id) => {
    const { status } = await plane.send('GET', `/v1/tokens/${id}`, { token })
    expect([400, 404]).toContain(status)
  })

  test('in the path cannot be given again in the body', async () => {
    const { token: key } = await owner(tokens.create, { name: 'twice', token_type: 'gateway' })
    const { status, json } = await plane.send('POST', `/v1/tokens/${key.id}/revoke`, {
      token,
      body: `{"id":"${key.id}"}`,
    })
    expect([status, json.detail]).toEqual([400, 'id is given by the path.'])
  })
})

describe('a path', () => {
  test('knows its methods', async () => {
    for (const endpoint of ENDPOINTS) {
      const path = endpoint.path.replace(/:\w+/g, 'x')
      const { status, json } = await plane.send('PUT', path, { token, body: '{}' })
      expect([endpoint.path, status, json.code]).toEqual([endpoint.path, 405, 'method_not_allowed'])
    }
  })

  test.each([
    '/',
    '/v1',
    '/v1/',
    '/v1/tokens/',
    '/v2/tokens',
    '/v1/tokens/x/y/z',
    '//v1/tokens',

    '/v1/TOKENS',
  ])('that leads nowhere says so: %s', async (path) => {
    const { status, json } = await plane.send('GET', path, { token })
    expect([status, json.code]).toEqual([404, 'not_found'])
  })
})

describe('a header', () => {
  test('cannot choose a request id that would break a log line', async () => {
    const sent = await plane.send('GET', '/v1/whoami', { token, headers: { 'x-request-id': 'abc-1' } })
    expect(sent.headers.get('x-request-id')).toBe('abc-1')
    const forged = await plane.send('GET', '/v1/whoami', { token, headers: { 'x-request-id': 'a b "c"' } })
    expect(forged.headers.get('x-request-id')).toMatch(/^req_/)
  })

  test('cannot say where a request comes from or who makes it', async () => {
    const other = await plane.organization()
    const admin = await other.as('role_owner')
    const headers = {
      'x-forwarded-for': '6.6.6.6',
      'x-keeptrusts-source': 'console',
      'x-keeptrusts-peer': '6.6.6.6',
      'x-org-id': organization.orgId,
    }
    await plane.send('PATCH', '/v1/organization', {
      token: admin.token,
      body: '{"name":"New"}',
      headers,
      ip: '203.0.113.9',
    })
    const { json } = await plane.send('GET', '/v1/activity', { token: admin.token })
    expect(json.items).toMatchObject([{ action: 'organization.renamed', ip: '203.0.113.9', source: 'api' }])
  })
})

test('every endpoint answers rubbish with a problem document of the 400s', async () => {
  const runtime = await organization.as([], { gatewayId: 'gw-x' })
  for (const endpoint of ENDPOINTS) {
    const id =
      { tokens: 'tok_0', members: 'usr_0', sessions: 'ses_0', events: 'evt_0' }[endpoint.name.split('.')[0] ?? ''] ??
      'x'
    const path = pathNames(endpoint.path).reduce(
      (text, name) => text.replace(`:${name}`, name === 'id' ? id : '0.0.0'),
      endpoint.path,
    )
    const bearer = endpoint.access === 'gateways:report' || endpoint.access === 'events:ingest' ? runtime.token : token
    const isRead = endpoint.method === 'GET' || endpoint.method === 'DELETE'
    for (const rubbish of ['{"\\u0000":[]}', '{"id":{}}', '[[[[', nested(1_000)]) {
      const { status, headers } = await plane.send(
        endpoint.method,
        isRead ? `${path}?rubbish=${encodeURIComponent(rubbish)}` : path,
        {
          token: bearer,
          body: isRead ? undefined : rubbish,
        },
      )
      expect([endpoint.name, status >= 400 && status < 500, headers.get('content-type')]).toEqual([
        endpoint.name,
        true,
        'application/problem+json',
      ])
    }
  }
})
