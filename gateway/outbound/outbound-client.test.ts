import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { isPublicAddress, reasonAgainstHost } from '@/lib/public-address'
import { publicLookup } from './address-rules'
import { OutboundClient } from './outbound-client'

const client = new OutboundClient()
let server: Server
let origin = ''
let hits = 0

beforeAll(async () => {
  server = createServer((request, response) => {
    hits += 1
    if (request.url === '/redirect') response.writeHead(302, { location: 'http://127.0.0.1:1/' }).end()
    else if (request.url === '/huge') response.end(Buffer.alloc(6 * 1_048_576, 0x20))
    else if (request.url === '/html') response.end('<html>')
    else if (request.url === '/never') return
    else response.end(JSON.stringify({ ok: true }))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})
afterAll(async () => {
  await client.close()
  server.closeAllConnections()
  server.close()
})

const near = { headers: {}, timeoutMs: 2_000, allowPrivateNetwork: true }
const far = { ...near, allowPrivateNetwork: false }

/** Addresses that lead to this machine, its network or a cloud's metadata, in the spellings attackers use. */
const HOSTILE_HOSTS = [
  '127.0.0.1',
  '127.1',
  '2130706433',
  '0x7f000001',
  '0177.0.0.1',
  '0',
  '0.0.0.0',
  '127.0.0.1.',
  '10.0.0.1',
  '172.16.0.1',
  '172.31.255.255',
  '192.168.1.1',
  '169.254.169.254',
  '169.254.170.2',
  '100.64.0.1',
  '100.100.100.200',
  '192.0.0.1',
  '192.0.2.1',
  '198.18.0.1',
  '198.51.100.1',
  '203.0.113.1',
  '224.0.0.1',
  '240.0.0.1',
  '255.255.255.255',
  '[::1]',
  '[::]',
  '[::ffff:127.0.0.1]',
  '[::ffff:7f00:1]',
  '[::ffff:169.254.169.254]',
  '[fe80::1]',
  '[fc00::1]',
  '[fd00:ec2::254]',
  '[ff02::1]',
  '[64:ff9b::7f00:1]',
  '[64:ff9b::a9fe:a9fe]',
  '[2002:7f00:1::]',
  '[2001::1]',
  '[2001:db8::1]',
  '[100::1]',
  'localhost',
  'LOCALHOST',
  'localhost.',
  'a.localhost',
  'printer.local',
  'metadata.google.internal',
  'router.lan',
  'x.home.arpa',
  '①②⑦.⓪.⓪.①',
] as const // biome would spread these over fifty lines

describe('a request that leaves the gateway', () => {
  test.each(HOSTILE_HOSTS)('is not sent to %s', async (host) => {
    await expect(client.postJson(`http://${host}/`, {}, far)).rejects.toMatchObject({ code: 'address_not_allowed' })
  })

  test.each([
    'file:///etc/passwd',
    'ftp://example.com/',
    'gopher://example.com/',
    'http://user:pw@example.com/',
    '//x',
    '',
  ])('is not sent to %s', async (address) => {
    await expect(client.postJson(address, {}, near)).rejects.toMatchObject({ code: 'address_not_allowed' })
  })

  test('is not sent to a name that resolves to this machine, and no connection is made', async () => {
    const before = hits
    // A name of the hosts file: what a rebinding name server would answer.
    const refused = await new Promise((resolve) => publicLookup('localhost', { all: true }, (error) => resolve(error)))
    expect(refused).toMatchObject({ code: 'address_not_allowed' })
    expect(hits).toBe(before)
  })

  test('reaches a private address that was allowed, and brings its JSON back', async () => {
    expect(await client.postJson(`${origin}/`, { a: 1 }, near)).toEqual({ status: 200, body: { ok: true } })
  })

  test('follows no redirect', async () => {
    await expect(client.postJson(`${origin}/redirect`, {}, near)).rejects.toThrow('redirect')
  })

  test('takes no more than five megabytes', async () => {
    await expect(client.postJson(`${origin}/huge`, {}, near)).rejects.toThrow('more than')
  })

  test('says so when the answer is no JSON, without repeating it', async () => {
    const error = await client.postJson(`${origin}/html`, {}, near).catch((caught: Error) => caught)
    expect(String(error)).toContain('no JSON')
    expect(String(error)).not.toContain('<html>')
  })

  test('ends when its time is over', async () => {
    await expect(client.postJson(`${origin}/never`, {}, { ...near, timeoutMs: 50 })).rejects.toThrow()
  })
})

describe('the rules for addresses', () => {
  test.each(['8.8.8.8', '1.1.1.1', '2606:4700:4700::1111'])('let %s through', (address) => {
    expect(isPublicAddress(address)).toBe(true)
  })

  test('let a public name through to its resolution', () => {
    expect(reasonAgainstHost(new URL('https://api.openai.com/v1'))).toBeNull()
  })
})
