import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { DiskSpool } from '../spool'
import type { Spool } from '../spool-port'

/**
 * Numbers of one spool. Several spools of one gateway count side by side: the n-th record of spool s has the
 * `gateway_seq` s x 2^40 + n, so the numbers of each spool are without gaps whatever becomes of the others, and 8,192
 * spools have room below 2^53.
 */
const SEQ_PER_SPOOL = 2 ** 40

/** Where the spool of a slot is. The first is where a gateway without workers has its only one. */
export const spoolDirectory = (dataDirectory: string, slot: number): string =>
  join(dataDirectory, slot === 0 ? 'spool' : `spool-${slot}`)

export const rejectedPath = (dataDirectory: string, slot: number): string =>
  join(dataDirectory, slot === 0 ? 'rejected.jsonl' : `rejected-${slot}.jsonl`)

/** The slots that have a spool on disk, in order. */
export async function slotsOnDisk(dataDirectory: string): Promise<number[]> {
  const names = await readdir(dataDirectory)
  return names
    .flatMap((name) => {
      const slot = name === 'spool' ? '0' : /^spool-([1-9]\d{0,3})$/.exec(name)?.[1]
      return slot === undefined ? [] : [Number(slot)]
    })
    .sort((a, b) => a - b)
}

/** A spool whose numbers begin where those of its slot do. */
export class WorkerSpool implements Spool {
  readonly #first: number

  constructor(
    private readonly spool: DiskSpool,
    slot: number,
  ) {
    this.#first = slot * SEQ_PER_SPOOL
  }

  append(record: Buffer | string, done: (failure: Error | null) => void): void {
    this.spool.append(record, done)
  }

  get full(): boolean {
    return this.spool.full
  }

  get depth(): number {
    return this.spool.depth
  }

  get bytes(): number {
    return this.spool.bytes
  }

  nextSeq(): number {
    return this.#first + this.spool.nextSeq()
  }
}
