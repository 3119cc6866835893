/** True positives, false positives, false negatives. */
export type Counts = { hit: number; wrong: number; missed: number }

export const noCounts = (): Counts => ({ hit: 0, wrong: 0, missed: 0 })

const percent = (part: number, whole: number) => (whole === 0 ? '-' : (part / whole).toFixed(3))

/** `| 0.990 | 0.970 | 0.980 |`: precision, recall, F1. */
export const scoreCells = ({ hit, wrong, missed }: Counts): string =>
  `${percent(hit, hit + wrong)} | ${percent(hit, hit + missed)} | ${percent(2 * hit, 2 * hit + wrong + missed)}`

/** The cells of texts that were to be stopped or not. */
export function verdictCells(judged: readonly { isAttack: boolean; isStopped: boolean }[]): string {
  const counts = noCounts()
  for (const { isAttack, isStopped } of judged) {
    if (isAttack) counts[isStopped ? 'hit' : 'missed'] += 1
    else if (isStopped) counts.wrong += 1
  }
  return `${judged.length} | ${scoreCells(counts)}`
}
