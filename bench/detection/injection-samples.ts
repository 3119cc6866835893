import { normalise } from '@/lib/policy/engine/normalise'
import { NO_PAIR, readFeatures } from '@/lib/policy/kinds/detectors/injection-features'
import { RUN_WORDS } from '@/lib/policy/kinds/detectors/injection-model'

/** The features of each run of words of a text, each once. */
export type Runs = readonly Int32Array[]

/** Runs for learning begin at every so manieth word. */
const STRIDE = 4

/** A text as the model sees it. */
export function runsOf(text: string): Runs {
  const words: number[][] = []
  readFeatures(normalise(text).text, {
    word: (_start, _end, own, pair) => words.push(pair === NO_PAIR ? [own] : [own, pair]),
  })
  const runs: Int32Array[] = []
  for (let from = 0; from === 0 || from + RUN_WORDS - STRIDE < words.length; from += STRIDE) {
    runs.push(Int32Array.from(new Set(words.slice(from, from + RUN_WORDS).flat())))
  }
  return runs
}
