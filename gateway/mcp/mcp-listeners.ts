import { Refusal } from '../errors'
import type { McpSession } from './mcp-sessions'

/** A stream ends with the caller that holds it, or within an hour; nobody knows when. */
const RETRY_AFTER_SECONDS = 60

/** The streams that are open for what servers have to say by themselves: each is a connection here and one to its server. */
export class McpListeners {
  readonly #bounds: { streamsPerSessionMax: number; streamsPerOwnerMax: number }
  readonly #byOwner = new Map<string, number>()

  constructor(bounds: { streamsPerSessionMax: number; streamsPerOwnerMax: number }) {
    this.#bounds = bounds
  }

  /** @returns what is called when the stream has ended. @throws Refusal `rate_limited` */
  add(owner: string, session: McpSession | null): () => void {
    const { streamsPerSessionMax, streamsPerOwnerMax } = this.#bounds
    if (session !== null && session.streams >= streamsPerSessionMax) {
      throw tooMany(`A session may have ${streamsPerSessionMax} streams.`)
    }
    const open = this.#byOwner.get(owner) ?? 0
    if (open >= streamsPerOwnerMax) throw tooMany(`A caller may have ${streamsPerOwnerMax} streams.`)
    this.#byOwner.set(owner, open + 1)
    if (session !== null) session.streams += 1
    return () => {
      const left = (this.#byOwner.get(owner) ?? 0) - 1
      if (left > 0) this.#byOwner.set(owner, left)
      else this.#byOwner.delete(owner)
      if (session !== null) session.streams -= 1
    }
  }
}

const tooMany = (message: string) => new Refusal('rate_limited', message, { retryAfterSeconds: RETRY_AFTER_SECONDS })
