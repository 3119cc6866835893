import { and, asc, eq, gte } from 'drizzle-orm'
import { trailDigests, trailState } from '@/drizzle/schema/trail'
import type { Services } from '../../context'
import { inTenant } from '../../tenant'

const DIGESTS_PER_STEP = 50

/**
 * Brings digests that are not there yet to the object store, oldest first: text, signature and checkpoint in one file.
 * May be stopped at any point; a digest that is put twice is put the same.
 */
export async function archiveDigests({ db, objects }: Services, orgId: string, signal: AbortSignal): Promise<void> {
  for (;;) {
    const rows = await inTenant(db, orgId, async (tx) => {
      const [state] = await tx
        .select({ archived: trailState.archivedDigests })
        .from(trailState)
        .where(eq(trailState.orgId, orgId))
      return tx
        .select()
        .from(trailDigests)
        .where(and(eq(trailDigests.orgId, orgId), gte(trailDigests.number, state?.archived ?? 0)))
        .orderBy(asc(trailDigests.number))
        .limit(DIGESTS_PER_STEP)
    })
    for (const { number, storageKey, body, signature, checkpoint } of rows) {
      signal.throwIfAborted()
      const content = JSON.stringify({ body, signature, checkpoint })
      await objects.put(storageKey, content, { contentType: 'application/json', signal })
      await inTenant(db, orgId, (tx) =>
        tx
          .update(trailState)
          .set({ archivedDigests: number + 1 })
          .where(eq(trailState.orgId, orgId)),
      )
    }
    if (rows.length < DIGESTS_PER_STEP) return
  }
}
