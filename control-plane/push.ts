import { sql } from 'drizzle-orm'
import type { Listen, Transaction } from './database'

/** What one replica tells all: small, because NOTIFY carries less than 8,000 bytes; details are read from the tables. */
export type PushMessage =
  | { orgId: string; kind: 'events'; lastSeq: number }
  | { orgId: string; kind: 'key'; tokenId: string }
  | { orgId: string; kind: 'settings' }
  | { orgId: string; kind: 'bundle'; gatewayId: string }
  | {
      orgId: string
      kind: 'recall'
      sources: string[]
      /** The one that asks; it is not asked itself. */
      except: string | null
    }

/** Said to subscribers instead of a message when some may have been missed. */
export type PushSignal = PushMessage | { kind: 'missed' }

const CHANNEL = 'keeptrusts'

/** Announces a change; listeners hear it when, and only if, the transaction commits. */
export async function announce(tx: Transaction, message: PushMessage): Promise<void> {
  await tx.execute(sql`select pg_notify(${CHANNEL}, ${JSON.stringify(message)})`)
}

/** Spreads announcements of all replicas to the streams that this process serves. */
export class PushHub {
  readonly #subscribers = new Map<string, Set<(signal: PushSignal) => void>>()
  #stop: (() => Promise<void>) | undefined

  /** Begins to listen; reconnects by itself and then says `missed`, because nothing was heard in between. */
  async start(listen: Listen): Promise<void> {
    this.#stop = await listen(
      CHANNEL,
      (text) => this.#spread(JSON.parse(text) as PushMessage),
      () => this.#all({ kind: 'missed' }),
    )
  }

  async close(): Promise<void> {
    this.#all({ kind: 'missed' })
    await this.#stop?.()
    this.#stop = undefined
  }

  /** @returns how to end the subscription */
  subscribe(orgId: string, hear: (signal: PushSignal) => void): () => void {
    const subscribers = this.#subscribers.get(orgId) ?? new Set()
    this.#subscribers.set(orgId, subscribers)
    subscribers.add(hear)
    return () => {
      subscribers.delete(hear)
      if (subscribers.size === 0) this.#subscribers.delete(orgId)
    }
  }

  #spread(message: PushMessage): void {
    for (const hear of this.#subscribers.get(message.orgId) ?? []) hear(message)
  }

  #all(signal: PushSignal): void {
    for (const subscribers of this.#subscribers.values()) for (const hear of subscribers) hear(signal)
  }
}
