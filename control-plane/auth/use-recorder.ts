import { eq, sql } from 'drizzle-orm'
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
    this.#add(orgId, { tokenId, secretId, at, count: 1, ips: ip ? [ip] : [] })
  }

  #add(orgId: string, use: SecretUse): void {
    const known = this.#pending.get(use.secretId)?.use
    const ips = [...new Set([...use.ips, ...(known?.ips ?? [])])].slice(0, SOURCE_IPS_MAX)
    const at = known && known.at > use.at ? known.at : use.at
    this.#pending.set(use.secretId, { orgId, use: { ...use, at, count: (known?.count ?? 0) + use.count, ips } })
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
        for (const { use } of mine) this.#add(orgId, use)
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
  const rows = uses.map(({ tokenId, secretId, at, count, ips }) => ({
    token: tokenId,
    secret: secretId,
    at,
    count,
    ips,
  }))
  const used = sql`json_to_recordset(${JSON.stringify(rows)}::json) as use(token text, secret text, at timestamptz, count int, ips text[])`
  await tx.execute(sql`
    update ${tokenSecrets} as own set
      last_used_at = greatest(own.last_used_at, use.at),
      use_count = own.use_count + use.count,
      source_ips = (select coalesce(array_agg(ip), '{}') from (
        select distinct ip from unnest(use.ips || own.source_ips) as ip limit ${SOURCE_IPS_MAX}) as recent)
    from ${used} where own.org_id = ${orgId} and own.id = use.secret`)
  await tx.execute(sql`
    update ${tokens} as own set last_used_at = use.at
    from (select token, max(at) as at from ${used} group by token) as use
    where own.org_id = ${orgId} and own.id = use.token and (own.last_used_at is null or own.last_used_at < use.at)`)
}
