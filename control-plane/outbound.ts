import { type LookupAddress, lookup } from 'node:dns'
import type { LookupFunction } from 'node:net'
import { Agent, request } from 'undici'
import { AddressNotAllowed, isPublicAddress, reasonAgainstHost } from '@/lib/public-address'

export type OutboundRequest = {
  body: string
  contentType: string
  /** The operator allows addresses of a private network. */
  allowPrivateNetwork: boolean
  signal?: AbortSignal
}
export type OutboundAnswer = { status: number; body: string }

const TIMEOUT_MS = 10_000
const ANSWER_BYTES_MAX = 65_536

/** The connection is made to the addresses that were checked: a second answer of the name server changes nothing. */
const publicLookup: LookupFunction = (hostname, options, callback) => {
  lookup(hostname, { family: options.family, hints: options.hints, all: true }, (error, addresses: LookupAddress[]) => {
    if (error) return callback(error, [])
    const refused = addresses.find(({ address }) => !isPublicAddress(address))
    const [first] = addresses
    if (refused || !first) {
      return callback(new AddressNotAllowed(`${hostname} resolves to an address that is not public`), [])
    }
    if (options.all) return callback(null, addresses)
    return callback(null, first.address, first.family)
  })
}

const agents = {
  public: new Agent({ connect: { lookup: publicLookup, timeout: 5_000 }, connections: 8, pipelining: 0 }),
  private: new Agent({ connect: { timeout: 5_000 }, connections: 8, pipelining: 0 }),
}

/**
 * A POST to an address that an administrator has entered: http and https only, public addresses unless allowed, no
 * redirects, bounded in time and bytes.
 *
 * @throws AddressNotAllowed, or an error whose message names the host and nothing of the answer
 */
export async function post(
  address: string,
  { body, contentType, ...options }: OutboundRequest,
): Promise<OutboundAnswer> {
  const url = checkedUrl(address, options.allowPrivateNetwork)
  const signals = [AbortSignal.timeout(TIMEOUT_MS), ...(options.signal ? [options.signal] : [])]
  const answer = await request(url, {
    dispatcher: options.allowPrivateNetwork ? agents.private : agents.public,
    method: 'POST',
    headers: { 'content-type': contentType, 'user-agent': 'keeptrusts' },
    body,
    signal: AbortSignal.any(signals),
  })
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of answer.body as AsyncIterable<Buffer>) {
    bytes += chunk.length
    if (bytes > ANSWER_BYTES_MAX) throw new Error(`${url.host} answered with more than ${ANSWER_BYTES_MAX} bytes`)
    chunks.push(chunk)
  }
  return { status: answer.statusCode, body: Buffer.concat(chunks).toString('utf8') }
}

/** @throws AddressNotAllowed saying what is wrong with it */
export function checkedUrl(address: string, allowPrivateNetwork: boolean): URL {
  const url = URL.canParse(address) ? new URL(address) : null
  if (url === null || (url.protocol !== 'https:' && url.protocol !== 'http:')) {
    throw new AddressNotAllowed('the address is no http or https URL')
  }
  if (url.username !== '' || url.password !== '') throw new AddressNotAllowed('the address contains credentials')
  const reason = allowPrivateNetwork ? null : reasonAgainstHost(url)
  if (reason !== null) throw new AddressNotAllowed(reason)
  return url
}
