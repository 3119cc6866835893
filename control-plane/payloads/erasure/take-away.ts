import type { Services } from '../../context'
import { inTenant } from '../../tenant'
import { payloadFolder } from '../object-keeping'
import { noteGone } from './commands'
import { leaving, unclaimed } from './queries'

const PAGE = 200
const AT_ONCE = 16
const DAY_MS = 86_400_000

/**
 * Deletes objects in which all content is erased and then notes that they are gone, page by page. An object that is not
 * there is as good as deleted, so that it can be begun again wherever it was cut off.
 *
 * @throws what the object store throws; the rows that are left say what is still to be done
 * @returns how many objects were deleted
 */
export async function takeErasedAway(
  { db, objects }: Pick<Services, 'db' | 'objects'>,
  orgId: string,
  signal?: AbortSignal,
): Promise<number> {
  let deleted = 0
  for (;;) {
    signal?.throwIfAborted()
    const page = await inTenant(db, orgId, (tx) => leaving(tx, orgId, PAGE))
    if (page.length === 0) return deleted
    for (let at = 0; at < page.length; at += AT_ONCE) {
      await Promise.all(page.slice(at, at + AT_ONCE).map((key) => objects.delete(key)))
    }
    await inTenant(db, orgId, (tx) => noteGone(tx, orgId, page))
    deleted += page.length
  }
}

/** Days whose folders are looked through for what no row names: old enough that no batch is still on its way. */
const SWEPT_DAYS = [2, 3]

/** Deletes objects of batches that were stored and then not recorded. @returns how many */
export async function sweepUnclaimed(
  { db, objects }: Pick<Services, 'db' | 'objects'>,
  orgId: string,
  now: Date,
  signal?: AbortSignal,
): Promise<number> {
  let deleted = 0
  for (const days of SWEPT_DAYS) {
    const folder = payloadFolder(orgId, new Date(now.getTime() - days * DAY_MS).toISOString().slice(0, 10))
    let after: string | undefined
    do {
      signal?.throwIfAborted()
      const page = await objects.list(folder, { after, limit: PAGE })
      const keys = page.objects.map(({ key }) => key)
      const orphans = await inTenant(db, orgId, (tx) => unclaimed(tx, orgId, keys))
      for (const key of orphans) await objects.delete(key)
      deleted += orphans.length
      after = page.next ?? undefined
    } while (after !== undefined)
  }
  return deleted
}
