import { createHash } from 'node:crypto'
import { Readable } from 'node:stream'
import { parquetMetadata } from 'hyparquet'
import { EXPORT_FORMATS, type Export, type ExportFormat } from '../../lib/contract/export-shapes'
import { exports } from '../../lib/contract/exports'
import type { Installation } from './installation'
import type { Random } from './random'
import { isAway, patiently } from './trail-check'

type ExportState = (typeof Export)['_output']

/** Exports that were asked for, until each is complete and right, or failed and was made again. */
export class ExportCheck {
  readonly #installation: Installation
  readonly #open = new Set<string>()
  readonly #again = new Set<string>()
  completed = 0
  failed = 0
  /** Were under way when something was killed. */
  cutOff = 0

  constructor(installation: Installation) {
    this.#installation = installation
  }

  async start(random: Random, since: Date): Promise<void> {
    const format = random.pick([...EXPORT_FORMATS] as [ExportFormat, ...ExportFormat[]])
    await this.#create(format, since.toISOString())
  }

  /** How many run or wait at this moment, as far as is known. */
  async noteKill(): Promise<void> {
    this.cutOff += this.#open.size > 0 ? 1 : 0
  }

  /** Looks at those that have ended; the others get their time. @returns what is wrong */
  async look(plane = 0): Promise<string[]> {
    const wrong: string[] = []
    const client = this.#installation.client(plane)
    // Also those whose answer was cut off.
    const { items } = await patiently(() => client(exports.list, { limit: 200 }))
    for (const { id } of items) this.#open.add(id)
    for (const id of this.#open) {
      const one = await patiently(() => client(exports.get, { id }))
      if (one.state === 'queued' || one.state === 'running') continue
      this.#open.delete(id)
      if (one.state === 'completed') {
        this.completed += 1
        for (const what of await this.#compare(one, plane)) wrong.push(`export ${id} (${one.format}): ${what}`)
      } else if (one.state === 'failed') {
        this.failed += 1
        if (this.#again.has(one.since + one.format)) wrong.push(`export ${id} failed twice: ${one.error}`)
        this.#again.add(one.since + one.format)
        await this.#create(one.format, one.since, plane)
      } else wrong.push(`export ${id} is ${one.state}`)
      await patiently(() => client(exports.delete, { id }))
    }
    return wrong
  }

  /** @returns what did not come to an end */
  async finish(withinMs: number, plane = 0): Promise<string[]> {
    const wrong: string[] = []
    for (const until = performance.now() + withinMs; performance.now() < until; ) {
      wrong.push(...(await this.look(plane)))
      if (this.#open.size === 0) return wrong
      await new Promise((resolve) => setTimeout(resolve, 500))
    }
    for (const id of this.#open) {
      const { state, error } = await patiently(() => this.#installation.client(plane)(exports.get, { id }))
      wrong.push(`export ${id} is still ${state}: ${error}`)
    }
    return wrong
  }

  async #create(format: ExportFormat, since: string, plane = 0): Promise<void> {
    try {
      const made = await this.#installation.client(plane)(exports.create, { format, time_window: { since } })
      this.#open.add(made.id)
    } catch (thrown) {
      if (!isAway(thrown)) throw thrown
    }
  }

  async #compare({ id, format, since, until, through_seq, manifest }: ExportState, plane: number): Promise<string[]> {
    if (!manifest) return ['it is complete without a manifest']
    const { sql, orgId } = this.#installation
    const file = await patiently(async () => {
      const { body } = await this.#installation.client(plane).download(exports.download, { id })
      return Buffer.concat(await Readable.fromWeb(body as Parameters<typeof Readable.fromWeb>[0]).toArray())
    })
    const [counted] = await sql<{ rows: number }>(
      `select count(*)::int as rows from events
      where org_id = $1 and seq <= $2 and occurred_at >= $3 and occurred_at < $4`,
      [orgId, through_seq, since, until],
    )
    const wrong: string[] = []
    const sha256 = createHash('sha256').update(file).digest('hex')
    if (sha256 !== manifest.sha256) wrong.push(`its SHA-256 is ${sha256}, and should be ${manifest.sha256}`)
    if (file.length !== manifest.bytes) wrong.push(`it has ${file.length} bytes, and should have ${manifest.bytes}`)
    if (counted?.rows !== manifest.rows) wrong.push(`it has ${manifest.rows} rows, and should have ${counted?.rows}`)
    const held = rowsIn(format, file)
    if (held !== manifest.rows) wrong.push(`its file holds ${held} different rows of ${manifest.rows}`)
    let at = 0
    for (const part of manifest.parts) {
      const own = createHash('sha256')
        .update(file.subarray(at, at + part.bytes))
        .digest('hex')
      if (own !== part.sha256) wrong.push(`part ${part.number} is not what it says`)
      at += part.bytes
    }
    return wrong
  }
}

/** Different events in a file; of Parquet its rows. */
function rowsIn(format: ExportFormat, file: Buffer): number {
  if (format === 'parquet') {
    const { buffer, byteOffset, byteLength } = new Uint8Array(file)
    return Number(parquetMetadata(buffer.slice(byteOffset, byteOffset + byteLength)).num_rows)
  }
  return new Set(file.toString('utf8').match(/evt_[0-9a-f]{32}/g)).size
}
