import { createHash } from 'node:crypto'
import { openDatabase } from '../control-plane/database'
import { DiskDriver } from '../control-plane/objects/disk-driver'
import { ObjectStore } from '../control-plane/objects/object-store'
import { inTenant } from '../control-plane/tenant'
import { newestBefore } from '../control-plane/trail/digests/queries'
import { storedLeaves } from '../control-plane/trail/tree/queries'
import { verifyRange } from '../control-plane/trail/verifications/verify-range'
import { type Consumed, startMeasure } from './consumed'

/** What one process measured of one verification. */
export type VerifyMeasure = Consumed & { found: string }

/** Argument: `deep`, `shallow`, or `bare` for reading the stored lines and hashing them as one. Prints a VerifyMeasure in JSON. */
const [kind = 'bare'] = process.argv.slice(2)
const { BENCH_APP_URL: url = '', BENCH_ORG_ID: orgId = '', BENCH_OBJECTS: objects = '' } = process.env
const handle = openDatabase(url, { poolMax: 4 })
const measure = kind === 'bare' ? await measureBare() : await measureVerification(kind === 'deep')
await handle.close()
process.stdout.write(`${JSON.stringify(measure)}\n`)
process.exit(0)

async function measureBare(): Promise<VerifyMeasure> {
  return inTenant(handle.db, orgId, async (tx) => {
    const last = (await newestBefore(tx, orgId, null))?.treeSize ?? 0
    const consumed = startMeasure()
    const hash = createHash('sha256')
    let bytes = 0
    for await (const batch of storedLeaves(tx, orgId, 1, last)) {
      for (const { line } of batch) {
        hash.update(line)
        bytes += line.length
      }
    }
    return { ...consumed(), found: `${(bytes / 1e6).toFixed(0)} MB` }
  })
}

async function measureVerification(deep: boolean): Promise<VerifyMeasure> {
  const now = new Date()
  const services = { objects: new ObjectStore(await DiskDriver.open(objects)) }
  const consumed = startMeasure()
  const result = await inTenant(handle.db, orgId, (tx) =>
    verifyRange(tx, services, {
      orgId,
      now,
      signal: new AbortController().signal,
      input: {
        start_time: '1970-01-01T00:00:00.000000Z',
        end_time: null,
        asked_at: now.toISOString(),
        deep_verify: deep,
        known_checkpoint: null,
      },
    }),
  )
  if (result.findings.length > 0) throw new Error(JSON.stringify(result.findings.slice(0, 3)))
  return { ...consumed(), found: result.chain_integrity }
}
