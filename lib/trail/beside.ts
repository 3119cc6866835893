import type { FindingState, Findings } from './findings'

/** A record whose columns, by which it is found, do not say what its line says. */
export type ColumnCheck = { seq: number; columns: readonly string[] }

/** Records of one UTC day and verdict: how many there are said to be, and how many there are. */
export type CountCheck = { table: string; day: string; verdict: string; stated: number; found: number }

/** Sums of one UTC day by dimension, in one table, that are not those of its records. */
export type SumCheck = { table: string; day: string; sums: number }

/** Leaves of one tile of the stored tree whose hashes there are not those beside their lines. */
export type TileCheck = { seqs: readonly number[] }

export type BesideInput = {
  /** Tiles that differ from the leaves that were looked at. */
  tiles?: () => readonly TileCheck[]
  /** Records from `first` on whose columns differ from their lines. */
  columns?: (first: number) => AsyncIterable<readonly ColumnCheck[]>
  /** After `columns`: counts that are not those of the records; null when not all records were read. */
  counts?: () => readonly CountCheck[] | null
  /** After `counts`, and only where records are those of the trail: sums that are not theirs. */
  sums?: () => AsyncIterable<readonly SumCheck[]>
}

/** What is kept beside the lines, and is under no digest: it is judged by them. */
export async function checkBeside(
  { tiles, columns, counts, sums }: BesideInput,
  first: number,
  findings: Findings,
  notes: string[],
): Promise<void> {
  // Of a record that is known to be wrong, nothing more is said.
  const told = new Set(findings.list.filter(({ severity }) => severity === 'error').map(({ seq }) => seq))
  // Beyond what can be told of records, it cannot be told any more whose fault a difference is.
  if (findings.errors === findings.list.filter(({ severity }) => severity === 'error').length) {
    for (const { seqs } of tiles?.() ?? []) checkTile(seqs, told, findings)
  }
  for await (const batch of columns?.(first) ?? []) {
    for (const { seq, columns } of batch) {
      if (told.has(seq)) continue
      const message = `The columns by which leaf ${seq} is found do not say what its line says: ${columns.join(', ')}.`
      findings.add('EVENT_MODIFIED', message, { seq })
    }
  }
  if (!counts) return
  const differing = counts()
  if (differing === null) {
    notes.push('Counts by day were not compared: that takes a look at all records.')
  } else if (!findings.list.some(({ state, severity }) => severity === 'error' && OF_RECORDS.includes(state))) {
    // Records that are gone or changed were told; counts that still say what was are right.
    for (const { table, day, verdict, stated, found } of differing) {
      const message = `For ${day}, ${table} counts ${stated} events with the verdict ${verdict}; the record has ${found}.`
      findings.add('EVENT_MODIFIED', message)
    }
    await checkSums(sums, new Set(differing.map(({ day }) => day)), findings)
  }
}

function checkTile(seqs: readonly number[], told: ReadonlySet<number | undefined>, findings: Findings): void {
  const [first, ...others] = seqs.filter((seq) => !told.has(seq))
  if (first === undefined) return
  const more = others.length > 0 ? `, nor are ${others.length} beside it` : ''
  findings.add('PROOF_INVALID', `The hash of leaf ${first} in the tree is not that of its line${more}.`, { seq: first })
}

/** @param told days of which something is known to be wrong: their sums are, too */
async function checkSums(sums: BesideInput['sums'], told: ReadonlySet<string>, findings: Findings): Promise<void> {
  for await (const differing of sums?.() ?? []) {
    const [first] = differing
    if (first === undefined || told.has(first.day)) continue
    const tables = differing.map(({ table, sums }) => `${sums} of ${table}`).join(', ')
    findings.add('EVENT_MODIFIED', `For ${first.day}, sums are not those of the record: ${tables}.`)
  }
}

const OF_RECORDS: readonly FindingState[] = ['EVENT_MODIFIED', 'EVENT_MISSING', 'EVENT_UNEXPECTED', 'ORDER_VIOLATION']
