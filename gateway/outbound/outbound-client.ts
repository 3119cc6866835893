import { Agent, request } from 'undici'
import { parseJson } from '@/lib/parse-json'
import { AddressNotAllowed, reasonAgainstHost } from '@/lib/public-address'
import { publicLookup } from './address-rules'

export type OutboundOptions = {
  headers: Readonly<Record<string, string>>
  timeoutMs: number
  /** The address was chosen by whoever runs this gateway and may be in a private network. */
  allowPrivateNetwork: boolean
}

const ANSWER_BYTES_MAX = 5 * 1_048_576
const TIMEOUT_MS_MAX = 60_000

/**
 * The one way out of the gateway for what is not a provider call: judges, moderation services, webhooks, probes.
 *
 * Only http and https, only public addresses unless allowed, no redirects followed (a redirect could lead anywhere, and
 * no API that takes a POST answers with one), bounded in time and bytes.
 */
export class OutboundClient {
  readonly #public = new Agent({ connect: { lookup: publicLookup, timeout: 5_000 }, connections: 32, pipelining: 1 })
  readonly #private = new Agent({ connect: { timeout: 5_000 }, connections: 32, pipelining: 1 })

  /**
   * @throws AddressNotAllowed, or an error whose message names the host and never the body
   */
  async postJson(address: string, body: unknown, options: OutboundOptions): Promise<{ status: number; body: unknown }> {
    const url = checkedUrl(address, options.allowPrivateNetwork)
    const signal = AbortSignal.timeout(Math.min(options.timeoutMs, TIMEOUT_MS_MAX))
    const answer = await request(url, {
      dispatcher: options.allowPrivateNetwork ? this.#private : this.#public,
      method: 'POST',
      headers: { ...options.headers, 'content-type': 'application/json', accept: 'application/json' },
      body: JSON.stringify(body),
      signal,
    })
    if (answer.statusCode >= 300 && answer.statusCode < 400) {
      await answer.body.dump()
      throw new Error(`${url.host} answered with a redirect, which is not followed`)
    }
    const text = await boundedText(answer.body, url.host)
    try {
      return { status: answer.statusCode, body: parseJson(text) }
    } catch {
      throw new Error(`${url.host} answered with status ${answer.statusCode} and no JSON`)
    }
  }

  async close(): Promise<void> {
    await Promise.all([this.#public.destroy(), this.#private.destroy()])
  }
}

function checkedUrl(address: string, allowPrivateNetwork: boolean): URL {
  const url = URL.canParse(address) ? new URL(address) : null
  if (url === null || (url.protocol !== 'https:' && url.protocol !== 'http:')) {
    throw new AddressNotAllowed('the address is no http or https URL')
  }
  if (url.username !== '' || url.password !== '') throw new AddressNotAllowed('the address contains credentials')
  const reason = allowPrivateNetwork ? null : reasonAgainstHost(url)
  if (reason !== null) throw new AddressNotAllowed(reason)
  return url
}

async function boundedText(body: AsyncIterable<Buffer>, host: string): Promise<string> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of body) {
    bytes += chunk.length
    if (bytes > ANSWER_BYTES_MAX) throw new Error(`${host} answered with more than ${ANSWER_BYTES_MAX} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}
