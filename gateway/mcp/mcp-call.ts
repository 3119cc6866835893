import { Refusal } from '../errors'
import type { McpDoorState } from './mcp-door'
import { admittedOf, type McpFacts } from './mcp-facts'
import { SessionNotFound } from './mcp-failure'
import { callMcpServer, type McpAnswer } from './mcp-upstream'

type Method = 'POST' | 'GET' | 'DELETE'

/** Asks the server of one request, with whichever of the target's secrets it takes. */
export class McpCaller {
  readonly #door: McpDoorState
  readonly #facts: McpFacts
  /** The one that was sent last; null for a server that needs none. */
  secret: string | null = null

  constructor(door: McpDoorState, facts: McpFacts) {
    this.#door = door
    this.#facts = facts
  }

  /** The one call that the record tells of. */
  async send(method: Method, document: object | null, signal: AbortSignal): Promise<McpAnswer> {
    const call = { sentMs: performance.now(), durationMs: 0, status: null as number | null, error: null }
    this.#facts.call = call
    const answer = await this.ask(method, document, signal)
    call.status = answer.status
    return answer
  }

  async ask(method: Method, document: object | null, signal: AbortSignal): Promise<McpAnswer> {
    const { target } = admittedOf(this.#facts)
    const { session } = this.#facts
    // A session was begun with one secret, and is nobody else's; without one, whichever the server takes.
    const secrets = session === null ? [...target.secrets] : [session.secret]
    let answer = await this.#askWith(secrets.shift() ?? null, method, document, signal)
    while (answer.status === 401 && secrets.length > 0) {
      answer.body.resume()
      answer = await this.#askWith(secrets.shift() ?? null, method, document, signal)
    }
    return answer
  }

  async #askWith(
    secret: string | null,
    method: Method,
    document: object | null,
    signal: AbortSignal,
  ): Promise<McpAnswer> {
    const { target } = admittedOf(this.#facts)
    const { session, headers, requestId, traceparent } = this.#facts
    const { options } = this.#door
    this.secret = secret
    const answer = await callMcpServer(options.dispatcherFor(target), options.userAgent, {
      target,
      secret,
      method,
      sessionId: session?.upstreamId ?? null,
      headers,
      body: document && JSON.stringify(document),
      requestId,
      traceparent,
      signal,
    })
    answer.body.on('error', () => {}) // told by whoever reads it; without a listener it would end the process
    return answer
  }
}

/** The server has answered, or will not. @param error a code for the attempt of the record */
export function endCall({ call }: McpFacts, error: string | null): void {
  if (call === null || call.durationMs > 0) return
  call.durationMs = performance.now() - call.sentMs
  call.error = error
}

/** A session that its server has forgotten ends here, too. @throws Refusal, or SessionNotFound */
export function assertStatus({ sessions }: McpDoorState, { session }: McpFacts, { status }: McpAnswer): void {
  if (status >= 200 && status < 300) return
  if (status === 404 && session !== null) {
    sessions.close(session)
    throw new SessionNotFound()
  }
  if (status === 401 || status === 403) {
    throw new Refusal(
      'upstream_credentials_exhausted',
      'The MCP server did not accept the credentials of this gateway.',
    )
  }
  throw new Refusal('upstream_failed', `The MCP server answered with status ${status}.`)
}
