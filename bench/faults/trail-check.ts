import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { trail } from '../../lib/contract/trail'
import type { Verification } from '../../lib/contract/trail-shapes'
import { AppError } from '../../lib/errors'
import type { Installation } from './installation'

/** Handing out is tried again with growing pauses of up to five minutes, and after two lost heartbeats. */
const ARCHIVED_WITHIN_MS = 330_000

type Verified = (typeof Verification)['_output']

/** What the control plane has said about the trail, compared with the trail. */
export class TrailCheck {
  /** Digests that were signed for somebody who was told so. */
  readonly acknowledged = new Set<string>()
  readonly #started = new Set<string>()
  readonly #installation: Installation
  pinned: string | undefined

  constructor(installation: Installation) {
    this.#installation = installation
  }

  /** Keeps the newest checkpoint, as somebody elsewhere would. */
  async pin(plane = 0): Promise<void> {
    this.pinned = (await patiently(() => this.#installation.client(plane)(trail.checkpoint, {}))).note
  }

  /** @returns whether it was acknowledged; what is cut off may or may not have been signed */
  async sign(plane = 0): Promise<boolean> {
    try {
      const { digest_id } = await this.#installation.client(plane)(trail.sign, {})
      this.acknowledged.add(digest_id)
      return true
    } catch (thrown) {
      if (isAway(thrown)) return false
      throw thrown
    }
  }

  async startVerification(): Promise<void> {
    const client = this.#installation.client()
    const asked = await client(trail.verify, { start_time: '1h', deep_verify: true, wait: false }).catch((thrown) => {
      if (!isAway(thrown)) throw thrown
    })
    if (asked) this.#started.add(asked.id)
  }

  /** Signs what there is and verifies it, deep and against the checkpoint that was kept. @returns what is wrong */
  async look(since: Date, plane = 0): Promise<string[]> {
    const client = this.#installation.client(plane)
    await patiently(async () => {
      if (!(await this.sign(plane))) throw new AppError('unavailable', 'No digest was signed.')
    })
    const wrong = await this.#digests()
    const asked = await patiently(() =>
      client(trail.verify, {
        start_time: since.toISOString(),
        deep_verify: true,
        wait: true,
        ...(this.pinned === undefined ? {} : { known_checkpoint: this.pinned }),
      }),
    )
    const { state, result, error } = await this.#finished(asked, plane)
    if (state !== 'done' || !result) return [...wrong, `the verification is ${state}: ${error}`]
    if (result.chain_integrity !== 'valid') wrong.push(`the trail is ${result.chain_integrity}`)
    if (result.records_verified === 0) wrong.push('no record was verified')
    for (const { state: name, severity, seq, message } of result.findings)
      if (severity === 'error') wrong.push(`${name} ${seq ?? ''}: ${message}`)
    return wrong
  }

  /** Verifications that were cut off have come to an end, too. */
  async lookAtStarted(): Promise<string[]> {
    const wrong: string[] = []
    for (const id of this.#started) {
      const asked = await patiently(() => this.#installation.client()(trail.verification, { id }))
      const { state, chain_integrity, error } = await this.#finished(asked, 0)
      if (state !== 'done' || chain_integrity === 'invalid')
        wrong.push(`verification ${id} is ${state}, ${chain_integrity}: ${error}`)
    }
    return wrong
  }

  /** Every digest is in the object store in the end, as it was signed. */
  async lookAtArchive(): Promise<string[]> {
    const { sql, orgId, objectsDirectory } = this.#installation
    const rows = await sql<{ number: number; storage_key: string; body: string }>(
      'select number::int as number, storage_key, body from trail_digests where org_id = $1',
      [orgId],
    )
    const until = performance.now() + ARCHIVED_WITHIN_MS
    const missing: string[] = []
    for (const { number, storage_key, body } of rows) {
      const path = join(objectsDirectory, storage_key)
      while (!existsSync(path) && performance.now() < until) await delay(200)
      const kept = await readFile(path, 'utf8').catch(() => '{}')
      if (JSON.parse(kept).body !== body) missing.push(`digest ${number} is not in the object store as it was signed`)
    }
    return missing
  }

  get started(): number {
    return this.#started.size
  }

  async #finished(asked: Verified, plane: number): Promise<Verified> {
    let now = asked
    for (const until = performance.now() + 150_000; performance.now() < until; await delay(50)) {
      if (now.state !== 'queued' && now.state !== 'running') return now
      now = await patiently(() => this.#installation.client(plane)(trail.verification, { id: asked.id }))
    }
    return now
  }

  async #digests(): Promise<string[]> {
    const { sql, orgId } = this.#installation
    const rows = await sql<{ number: number; digest_id: string; tree_size: string; root_hash: string }>(
      'select number::int as number, digest_id, tree_size, root_hash from trail_digests where org_id = $1 order by number',
      [orgId],
    )
    const wrong: string[] = []
    const numbers = new Set(rows.map(({ number }) => number))
    if (numbers.size !== rows.length) wrong.push(`${rows.length - numbers.size} digests have a number twice`)
    if (rows.at(-1)?.number !== rows.length - 1) wrong.push('the numbers of digests are not contiguous')
    const roots = new Map<string, string>()
    for (const { tree_size, root_hash } of rows) {
      if ((roots.get(tree_size) ?? root_hash) !== root_hash) wrong.push(`the trail forks at size ${tree_size}`)
      roots.set(tree_size, root_hash)
    }
    const ids = new Set(rows.map(({ digest_id }) => digest_id))
    const lost = [...this.acknowledged].filter((id) => !ids.has(id))
    if (lost.length > 0) wrong.push(`${lost.length} acknowledged digests are lost, such as ${lost[0]}`)
    return wrong
  }
}

/** Whether a call failed because something was away: cut connections and 503, and nothing else. */
export const isAway = (thrown: unknown): boolean =>
  (thrown instanceof AppError && (thrown.code === 'unavailable' || thrown.code === 'upstream_timeout')) ||
  (thrown instanceof TypeError && /terminated|fetch failed/.test(thrown.message))

/** Again until it works, as a script would after 503. */
export async function patiently<T>(work: () => Promise<T>, withinMs = 60_000): Promise<T> {
  for (const until = performance.now() + withinMs; ; await delay(25)) {
    try {
      return await work()
    } catch (thrown) {
      if (!isAway(thrown) || performance.now() > until) throw thrown
    }
  }
}
