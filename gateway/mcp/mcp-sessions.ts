import { randomBytes } from 'node:crypto'

/** A session of ours in front of one of a server's. The caller never learns the server's id, nor the server ours. */
export type McpSession = {
  /** What the caller presents. As good as a secret, together with its key. */
  readonly id: string
  /** What records and servers may see. */
  readonly publicId: string
  readonly targetId: string
  /** Only this caller may use it. */
  readonly owner: string
  /** null for a server that keeps no sessions. */
  readonly upstreamId: string | null
  /** The one of the target's secrets that it was begun with; null for a server that needs none. */
  readonly secret: string | null
  lastMs: number
  /** Streams that are open for what the server has to say by itself. */
  streams: number
}

export type SessionBounds = { sessionsMax: number; perOwnerMax: number; idleMsMax: number }

const BOUNDS: SessionBounds = { sessionsMax: 10_000, perOwnerMax: 500, idleMsMax: 86_400_000 }

/** All sessions of a gateway, in memory and bounded: an owner with too many loses its oldest one. */
export class McpSessions {
  readonly #bounds: SessionBounds
  readonly #sessions = new Map<string, McpSession>()
  readonly #owners = new Map<string, Set<string>>()
  readonly #onDrop: (session: McpSession) => void

  /** @param onDrop told of every session that ends without its caller having ended it */
  constructor(onDrop: (session: McpSession) => void, bounds: Partial<SessionBounds> = {}) {
    this.#onDrop = onDrop
    this.#bounds = { ...BOUNDS, ...bounds }
  }

  get size(): number {
    return this.#sessions.size
  }

  open(
    given: Pick<McpSession, 'publicId' | 'targetId' | 'owner' | 'upstreamId' | 'secret'>,
    nowMs: number,
  ): McpSession {
    const session: McpSession = { ...given, id: randomBytes(24).toString('base64url'), lastMs: nowMs, streams: 0 }
    const own = this.#owners.get(given.owner) ?? new Set()
    this.#owners.set(given.owner, own)
    this.#sessions.set(session.id, session)
    own.add(session.id)
    const [oldestOwn] = own
    const [oldest] = this.#sessions.keys()
    if (own.size > this.#bounds.perOwnerMax && oldestOwn !== undefined) this.#drop(oldestOwn)
    else if (this.#sessions.size > this.#bounds.sessionsMax && oldest !== undefined) this.#drop(oldest)
    return session
  }

  /** @returns null for one that never was, has ended, is another caller's or another server's: nobody can tell which */
  find(id: string, owner: string, targetId: string, nowMs: number): McpSession | null {
    const session = this.#sessions.get(id)
    if (session === undefined || session.owner !== owner || session.targetId !== targetId) return null
    if (nowMs - session.lastMs > this.#bounds.idleMsMax && session.streams === 0) {
      this.#drop(id)
      return null
    }
    session.lastMs = nowMs
    // Last in the order of insertion is the one used last.
    this.#sessions.delete(id)
    this.#sessions.set(id, session)
    return session
  }

  close(session: McpSession): void {
    this.#sessions.delete(session.id)
    const own = this.#owners.get(session.owner)
    own?.delete(session.id)
    if (own?.size === 0) this.#owners.delete(session.owner)
  }

  #drop(id: string): void {
    const session = this.#sessions.get(id)
    if (session === undefined) return
    this.close(session)
    this.#onDrop(session)
  }
}
