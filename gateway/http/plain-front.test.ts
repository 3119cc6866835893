import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { bytes, exchange, post, startTwins, type Twins } from './twins'

let twins: Twins
beforeAll(async () => {
  twins = await startTwins()
})
afterAll(() => twins.close())

const both = (pieces: readonly Buffer[]) =>
  Promise.all([exchange(twins.fronted, pieces), exchange(twins.alone, pieces)])

async function expectAlike(pieces: readonly Buffer[]): Promise<string> {
  const [fronted, alone] = await both(pieces)
  expect(fronted).toBe(alone)
  return alone
}

/**
 * As `expectAlike`, where something may stand behind a request before that is answered: when it is no request, node forgets
 * answers that it owes; how many, and what it finds wrong first, depends on how it came by the bytes.
 */
async function expectNearlyAlike(pieces: readonly Buffer[]): Promise<void> {
  const [fronted, alone] = await both(pieces)
  const [given, why] = apart(fronted)
  const [givenAlone, whyAlone] = apart(alone)
  expect(why === '').toBe(whyAlone === '')
  const length = why === '' ? Math.max(given.length, givenAlone.length) : Math.min(given.length, givenAlone.length)
  expect(given.slice(0, length)).toBe(givenAlone.slice(0, length))
}

/** The answers, and what was said to that which was no request. */
function apart(text: string): [string, string] {
  const at = text.lastIndexOf('HTTP/1.1 400 ')
  return at === -1 ? [text, ''] : [text.slice(0, at), text.slice(at)]
}

/** Nothing is sent meanwhile. */
const SOME_TURNS = Array.from({ length: 4 }, () => bytes(''))

const statusesIn = (text: string) => [...text.matchAll(/HTTP\/1\.1 (\d{3})/g)].map(([, status]) => Number(status))

describe('a server with a plain front answers byte for byte as node alone', () => {
  test.each(['whole', 'stream', 'large', 'close', 'refuse', 'destroy'])('a plain request (%s)', async (how) => {
    const before = twins.plain()
    await expectAlike([bytes(post('{"a":1}', `X-Answer: ${how}\r\n`))])
    expect(twins.plain()).toBe(before + 1)
  })

  test('requests one behind the other, in one piece', async () => {
    const before = twins.plain()
    const answer = await expectAlike([
      bytes(post('one') + post('two', 'X-Answer: stream\r\n') + post('', 'X-Answer: refuse\r\n') + post('four')),
      ...SOME_TURNS,
    ])
    expect(statusesIn(answer)).toEqual([200, 200, 401, 200])
    expect(twins.plain()).toBe(before + 4)
  })

  test('a plain request, and then one that is not plain, and then others', async () => {
    const before = twins.plain()
    const chunked = 'POST /v1/chat HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n'
    const answer = await expectAlike([
      bytes(post('one')),
      bytes(chunked),
      bytes('GET /v1/chat HTTP/1.1\r\nhost: a\r\n\r\n'),
      bytes(post('four')),
    ])
    expect(statusesIn(answer)).toEqual([200, 200, 200, 200])
    expect(twins.plain()).toBe(before + 1)
  })

  test('a request that is refused before its body has come, and one behind it', async () => {
    const [head, ...parts] = [post('').replace('h: 0', 'h: 9\r\nX-Answer: refuse'), 'abc', 'defghi', post('{}')].map(
      bytes,
    )
    const before = twins.plain()
    const answer = await expectAlike([head ?? bytes(''), ...parts])
    expect(statusesIn(answer)).toEqual([401, 200])
    expect(twins.plain()).toBe(before + 2)
    await expectAlike([Buffer.concat([head ?? bytes(''), ...parts])])
  })

  test('wherever it is cut in two', async () => {
    const message = post('{"a":1}') + post('{"b":2}', 'X-Answer: stream\r\n')
    for (let at = 1; at < message.length; at++) {
      const answer = await expectAlike([bytes(message.slice(0, at)), bytes(message.slice(at))])
      expect(statusesIn(answer)).toEqual([200, 200])
    }
  })

  test('wherever a message that is not plain is cut in two', async () => {
    const message = `POST /v1/chat HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n${post('b')}`
    for (let at = 1; at < message.length; at++) {
      const answer = await expectAlike([bytes(message.slice(0, at)), bytes(message.slice(at))])
      expect(statusesIn(answer)).toEqual([200, 200])
    }
  })

  test('a message that comes byte by byte', async () => {
    await expectAlike(Array.from(post('abc'), (one) => bytes(one)))
    await expectAlike([bytes(post('').replace('h: 0', 'h: 9')), ...Array.from('{"a": 12}', (one) => bytes(one))])
  })

  test('wherever it breaks off', async () => {
    const message = post('{"a":1}')
    for (let at = 0; at < message.length; at++) await expectAlike([bytes(message.slice(0, at))])
  })

  const HOSTILE: [string, string, number[]][] = [
    ['a length and chunks', `Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\nGET / HTTP/1.1`, [400]],
    ['two lengths', `Content-Length: 3\r\nContent-Length: 5\r\n\r\nabcde`, [400]],
    ['two equal lengths', `Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc`, [400]],
    ['a list of lengths', `Content-Length: 3, 3\r\n\r\nabc`, [400]],
    ['a length with a sign', `Content-Length: +3\r\n\r\nabc`, [400]],
    ['a length in hex', `Content-Length: 0x3\r\n\r\nabc`, [400]],
    ['a length with zeros before it', `Content-Length: 0003\r\n\r\nabc`, [200]],
    ['a length beyond all numbers', `Content-Length: 18446744073709551619\r\n\r\nabc`, [400]],
    ['a length in another case', `cOnTeNt-LeNgTh: 3\r\n\r\nabc`, [200]],
    ['an encoding that hides', `Transfer-Encoding: xchunked\r\nContent-Length: 3\r\n\r\nabc`, [400]],
    ['an encoding behind a blank', `Transfer-Encoding : chunked\r\nContent-Length: 3\r\n\r\nabc`, [400]],
    ['an encoding behind a tab', `Transfer-Encoding:\tchunked\r\nContent-Length: 3\r\n\r\nabc`, [400]],
    ['a blank before the colon', `X-A : b\r\nContent-Length: 3\r\n\r\nabc`, [400]],
    ['a folded line', `X-A: b\r\n Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\nabc`, [400]],
    ['a line that ends in LF', `X-A: b\nContent-Length: 3\r\n\r\nabc`, [400]],
    ['a line that ends in CR', `X-A: b\rContent-Length: 3\r\n\r\nabc`, [400]],
    ['a head that ends in LF', `Content-Length: 3\n\nabc`, [400]],
    ['a NUL in a value', `X-A: b\0c\r\nContent-Length: 3\r\n\r\nabc`, [400]],
    ['a NUL in a name', `X-\0A: b\r\nContent-Length: 3\r\n\r\nabc`, [400]],
    ['bytes beyond ASCII', `X-A: \xe9\xff\r\nContent-Length: 3\r\n\r\nabc`, [200]],
    ['a line without a colon', `X-A\r\nContent-Length: 3\r\n\r\nabc`, [400]],
    ['no name', `: b\r\nContent-Length: 3\r\n\r\nabc`, [400]],
    ['no value', `X-A:\r\nContent-Length: 3\r\n\r\nabc`, [200]],
    ['blanks around a value', `X-A:  \tb \t\r\nContent-Length: 3\r\n\r\nabc`, [200]],
    ['a name of an object', `constructor: a\r\n__proto__: b\r\ntoString: c\r\nContent-Length: 3\r\n\r\nabc`, [200]],
    ['a name twice', `X-A: b\r\nx-a: c\r\nCookie: a\r\ncookie: b\r\nContent-Length: 3\r\n\r\nabc`, [200]],
    ['a second host', `Host: b\r\nContent-Length: 3\r\n\r\nabc`, [200]],
    ['an expectation', `Expect: 100-continue\r\nContent-Length: 3\r\n\r\nabc`, [100, 200]],
    ['another expectation', `Expect: a cake\r\nContent-Length: 3\r\n\r\nabc`, [417]],
    ['an upgrade', `Connection: upgrade\r\nUpgrade: h2c\r\nContent-Length: 3\r\n\r\nabc`, [200]],
    ['one behind the last', `Connection: close\r\nContent-Length: 3\r\n\r\nabc${post('x')}`, [400]],
    ['odd words on the connection', `Connection: Keep-Alive, x-a\r\nContent-Length: 3\r\n\r\nabc`, [200]],
    ['too long a head', `X-A: ${'a'.repeat(20_000)}\r\nContent-Length: 3\r\n\r\nabc`, [400]],
    ['too many headers', `${'X-A: b\r\n'.repeat(150)}Content-Length: 3\r\n\r\nabc`, [200]],
    ['no length', `X-A: b\r\n\r\n${post('x')}`, [200, 200]],
  ]

  test.each(HOSTILE)('a message with %s', async (_, rest, statuses) => {
    const message = bytes(`POST /v1/chat HTTP/1.1\r\nHost: a\r\n${rest}`)
    expect(statusesIn(await expectAlike([message]))).toEqual(statuses)
    // And behind a request that the front has served.
    expect(statusesIn(await expectAlike([bytes(post('a')), message]))).toEqual([200, ...statuses])
  })

  test.each([
    'POST /v1/chat HTTP/1.0\r\nContent-Length: 3\r\n\r\nabc',
    'POST /v1/chat HTTP/1.1\nHost: a\r\nContent-Length: 3\r\n\r\nabc',
    'POST /v1/chat HTTP/1.1\rHost: a\r\nContent-Length: 3\r\n\r\nabc',
    'POST /v1/chat HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc',
    'POST /v1/chat HTTP/2.0\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc',
    'POST  /v1/chat HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc',
    'POST\t/v1/chat HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc',
    'POST http://a/v1/chat HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc',
    'POST /v1/chat?a=b#c HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc',
    'POST /v1/\xe9 HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc',
    'post /v1/chat HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc',
    '\r\n\r\nPOST /v1/chat HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc',
    'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
    'CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n',
    '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03',
    '\0',
    '\r\n',
  ])('a beginning as %j', async (message) => {
    await expectAlike([bytes(message)])
  })

  test('whatever comes', async () => {
    const before = twins.plain()
    await fc.assert(
      fc.asyncProperty(message, fc.array(fc.nat(400), { maxLength: 2 }), async (text, cuts) => {
        await expectNearlyAlike(cut(bytes(text), cuts))
      }),
      { numRuns: RUNS },
    )
    // Otherwise nothing has been compared.
    expect(twins.plain() - before).toBeGreaterThan(RUNS / 10)
  }, 120_000)
})

const RUNS = 1_000

function cut(all: Buffer, at: readonly number[]): Buffer[] {
  const places = [0, ...at.filter((place) => place < all.length).toSorted((a, b) => a - b), all.length]
  return places.slice(1).map((place, index) => all.subarray(places[index], place))
}

/** Mostly as it should be. */
const mostly = <T>(usual: T, ...others: T[]) =>
  fc.oneof({ weight: 30, arbitrary: fc.constant(usual) }, { weight: 1, arbitrary: fc.constantFrom(...others) })
const eol = mostly('\r\n', '\n', '\r', '\r\r\n', '\r\n ', '\n\r\n')
const character = fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code))
const visible = fc.stringMatching(/^[!-~]([ -~]{0,20}[!-~])?$/)
const name = fc.oneof(
  { weight: 6, arbitrary: fc.stringMatching(/^[A-Za-z0-9-]{1,12}$/) },
  {
    weight: 4,
    arbitrary: fc.constantFrom(
      ...['Authorization', 'Content-Type', 'Accept', 'User-Agent', 'X-Request-Id', 'Cookie', 'Connection', 'Origin'],
      ...['Referer', 'If-Match', 'Date', 'Age', 'Location', 'Server', 'Via', 'ETag', 'From', 'Max-Forwards', 'Vary'],
    ),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      ...['Transfer-Encoding', 'Content-Length', 'Upgrade', 'Expect', 'Set-Cookie', 'Host', 'TE', 'Keep-Alive'],
      ...[
        'Proxy-Connection',
        'constructor',
        '__proto__',
        'valueOf',
        'a b',
        'é',
        '',
        'x\0',
        'HTTP2-Settings',
        'Trailer',
      ],
    ),
  },
)
const value = fc.oneof(
  { weight: 12, arbitrary: visible },
  { weight: 2, arbitrary: fc.constantFrom('keep-alive', 'Keep-Alive', 'close', 'chunked', 'upgrade', '3', '0', '') },
  { weight: 1, arbitrary: fc.array(character, { maxLength: 8 }).map((all) => all.join('')) },
)
const header = fc.tuple(name, mostly(': ', ':', ' : ', ':\t', ':  ', ''), value, mostly('', ' ', '\t'), eol)
const request = fc
  .record({
    method: mostly('POST', 'GET', 'post', 'PUT', 'POST ', 'OPTIONS'),
    path: mostly('/v1/chat', '/', '*', '/v1/chat?a=b', '/v1/Ü', 'http://a/v1/chat', '/v1/a b', '/v1/a/../b_9'),
    version: mostly('HTTP/1.1', 'HTTP/1.0', 'HTTP/1.2', 'http/1.1', 'HTTP/1.1 '),
    eols: fc.tuple(eol, eol, eol, eol),
    host: mostly('Host: a', 'host: b:80', 'Host:', 'X: y'),
    headers: fc.array(
      header.map((parts) => parts.join('')),
      { maxLength: 5 },
    ),
    body: fc.string({ maxLength: 30, unit: 'binary-ascii' }),
    surplus: mostly(0, 1, -1, 5),
  })
  .map(({ method, path, version, eols, host, headers, body, surplus }) => {
    const length = `Content-Length: ${Math.max(0, body.length + surplus)}`
    return `${method} ${path} ${version}${eols[0]}${host}${eols[1]}${headers.join('')}${length}${eols[2]}${eols[3]}${body}`
  })
const mutation = fc.tuple(fc.nat(300), fc.nat(3), character)
const message = fc
  .tuple(fc.array(request, { minLength: 1, maxLength: 2 }), fc.array(mutation, { maxLength: 1 }), fc.boolean())
  .map(([requests, mutations, isMutated]) => {
    let text = requests.join('')
    for (const [at, length, by] of isMutated ? mutations : []) text = text.slice(0, at) + by + text.slice(at + length)
    return text
  })
