import type { Services } from '../context'
import { objectKey } from '../objects/object-store'
import type { ExportJob } from './queues'

/** Deletes all files of an export, finished or not. */
export async function eraseExport({ objects }: Services, { org_id, export_id }: ExportJob): Promise<void> {
  const prefix = `${objectKey(org_id, 'exports', export_id)}/`
  for (;;) {
    const { objects: found, next } = await objects.list(prefix)
    for (const { key } of found) await objects.delete(key)
    if (next === null) return
  }
}
