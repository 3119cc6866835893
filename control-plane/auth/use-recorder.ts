import { and, eq, lt, or, sql } from 'drizzle-orm'
import type { Logger } from 'pino'
import { orgCounters } from '@/drizzle/schema/organizations'
import { tokenSecrets, tokens } from '@/drizzle/schema/tokens'
import type { Database, Transaction } from '../database'
import { inTenant } from '../tenant'

/** One or more uses of one secret. `at` is the latest, RFC 3339. */
export type SecretUse = { tokenId: string; secretId: string; at: string; count: number; ips: string[] }

const FLUSH_INTERVAL_MS = 15_000
const SOURCE_IPS_MAX = 10

/** Remembers when keys were used, off the request path: `last_used_at` is at most a minute stale. */
export class UseRecorder {
  readonly #pending = new Map<string, { orgId: string; use: SecretUse }>()
  readonly #timer: NodeJS.Timeout

  constructor(
    readonly db: Database,
    readonly log: Logger,
  ) {
    this.#timer = setInterval(() => void this.flush(), FLUSH_INTERVAL_MS)
    this.#timer.unref()
  }

  record(orgId: string, tokenId: string, secretId: string, ip: string | null, at: string): void {
    const known = this.#pending.get(secretId)?.use
    const ips = [...new Set([...(ip ? [ip] : []), ...(known?.ips ?? [])])].slice(0, SOURCE_IPS_MAX)
    this.#pending.set(secretId, { orgId, use: { tokenId, secretId, at, count: (known?.count ?? 0) + 1, ips } })
  }

  /** Writes what is pending. What cannot be written now is kept for the next time. */
  async flush(): Promise<void> {
    const batch = [...this.#pending.values()]
    this.#pending.clear()
    for (const orgId of new Set(batch.map((entry) => entry.orgId))) {
      const mine = batch.filter((entry) => entry.orgId === orgId)
      await inTenant(this.db, orgId, (tx) =>
        saveUses(
          tx,
          orgId,
          mine.map(({ use }) => use),
        ),
      ).catch((error: unknown) => {
        this.log.warn({ err: error }, 'uses of keys could not be saved, trying again later')
        for (const entry of mine)
          if (!this.#pending.has(entry.use.secretId)) this.#pending.set(entry.use.secretId, entry)
      })
    }
  }

  async close(): Promise<void> {
    clearInterval(this.#timer)
    await this.flush()
  }
}

/** Adds uses to keys and their secrets. Waits its turn like every change of keys, so that writers cannot deadlock. */
export async function saveUses(tx: Transaction, orgId: string, uses: SecretUse[]): Promise<void> {
  await tx.select().from(orgCounters).where(eq(orgCounters.orgId, orgId)).for('update')
  for (const use of uses) {
    await tx
      .update(tokenSecrets)
      .set({
        lastUsedAt: sql`greatest(${tokenSecrets.lastUsedAt}, ${use.at}::timestamptz)`,
        useCount: sql`${tokenSecrets.useCount} + ${use.count}`,
        sourceIps: sql`(select coalesce(array_agg(ip), '{}') from (
          select distinct ip from unnest(${sql.param(use.ips)}::text[] || ${tokenSecrets.sourceIps}) as ip limit ${SOURCE_IPS_MAX}) as recent)`,
      })
      .where(and(eq(tokenSecrets.orgId, orgId), eq(tokenSecrets.id, use.secretId)))
    await tx
      .update(tokens)
      .set({ lastUsedAt: use.at })
      .where(
        and(
          eq(tokens.orgId, orgId),
          eq(tokens.id, use.tokenId),
          or(sql`${tokens.lastUsedAt} is null`, lt(tokens.lastUsedAt, use.at)),
        ),
      )
  }
}
