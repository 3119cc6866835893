/** Called for every occurrence of every term, overlapping ones too; offsets are those of the normal text. */
export type OnHit = (term: number, start: number, end: number) => void

export class ScanRefused extends Error {
  override readonly name = 'ScanRefused'
}

/** More hits than this in one text are not listed but refused, so that nobody works on half of them. */
export const HITS_MAX = 100_000
