import type { Span } from '@/lib/policy/engine/policy'
import { step } from '@/lib/policy/engine/time-limit'
import { FeatureWeights, NO_FEATURE } from './feature-weights'
import { type FeatureSink, NO_PAIR, readFeatures } from './injection-features'
import { BIAS, SCALE, WEIGHTS } from './injection-weights'

/** Words that are judged together. A text is as suspicious as its most suspicious run of so many. */
export const RUN_WORDS = 32

/** How suspicious a text is, in log odds, and where. */
export type Suspicion = Span & { score: number }

/**
 * A linear model over `readFeatures`, each counted once in a run of words, trained on labelled texts
 * (`bench/detection/train.ts`). It finds what the rules have no words for.
 *
 * @param text as for `readFeatures`
 */
export function suspicionOf(text: string): Suspicion {
  const model = loadedModel()
  try {
    readFeatures(text, model)
  } catch (error) {
    model.close()
    throw error
  }
  const { weight, start, end } = model.close()
  return { score: BIAS + weight * SCALE, start, end }
}

/** Log odds from which a text is an attack, and how fast the weight grows around them. */
const ATTACK_SCORE = 0.8
const STEEPNESS = 3
const ATTACK_WEIGHT = 0.8

/** The weight of a suspicion among other signs, from 0 to 1. */
export const weightOf = (score: number): number =>
  1 / (1 + ((1 - ATTACK_WEIGHT) / ATTACK_WEIGHT) * Math.exp((ATTACK_SCORE - score) * STEEPNESS))

let run: Run | undefined

/** Takes some milliseconds once, which is better not the first request's. */
export function loadedModel(): FeatureSink & Pick<Run, 'close'> {
  run ??= new Run(FeatureWeights.read(WEIGHTS))
  return run
}

/** Of one word. */
const FEATURES_MAX = 2

/** The last words of a text, what they weigh together, and the heaviest of all such runs. */
class Run implements FeatureSink {
  readonly #weights: FeatureWeights
  /** How often each feature is in the run, by its place in the table. */
  readonly #counts: Uint8Array
  /** Of each word, by its number modulo the length of a run. */
  readonly #slots = new Int32Array(RUN_WORDS * FEATURES_MAX)
  readonly #slotCounts = new Uint8Array(RUN_WORDS)
  readonly #starts = new Int32Array(RUN_WORDS)
  #words = 0
  #end = 0
  #sum = 0
  #top = 0
  #topStart = 0
  #topEnd = 0

  constructor(weights: FeatureWeights) {
    this.#weights = weights
    this.#counts = new Uint8Array(weights.slots)
  }

  word(start: number, end: number, own: number, pair: number): void {
    this.#look()
    const place = this.#words % RUN_WORDS
    if (place === 0) step()
    this.#forget(place)
    this.#words += 1
    this.#starts[place] = start
    this.#end = end
    this.#add(place, own)
    if (pair !== NO_PAIR) this.#add(place, pair)
  }

  /** The heaviest run, and makes ready for the next text. */
  close(): { weight: number; start: number; end: number } {
    this.#look()
    const heaviest = { weight: this.#top, start: this.#topStart, end: this.#topEnd }
    for (let place = 0; place < RUN_WORDS; place++) this.#forget(place)
    this.#words = this.#end = this.#sum = this.#top = this.#topStart = this.#topEnd = 0
    return heaviest
  }

  #add(place: number, feature: number): void {
    const slot = this.#weights.slotOf(feature)
    if (slot === NO_FEATURE) return
    const kept = this.#slotCounts[place] as number
    this.#slots[place * FEATURES_MAX + kept] = slot
    this.#slotCounts[place] = kept + 1
    const seen = this.#counts[slot] as number
    this.#counts[slot] = seen + 1
    if (seen === 0) this.#sum += this.#weights.at(slot)
  }

  #look(): void {
    if (this.#sum <= this.#top) return
    this.#top = this.#sum
    this.#topStart = this.#starts[this.#words < RUN_WORDS ? 0 : this.#words % RUN_WORDS] as number
    this.#topEnd = this.#end
  }

  #forget(place: number): void {
    const from = place * FEATURES_MAX
    const end = from + (this.#slotCounts[place] as number)
    for (let i = from; i < end; i++) {
      const slot = this.#slots[i] as number
      const left = (this.#counts[slot] as number) - 1
      this.#counts[slot] = left
      if (left === 0) this.#sum -= this.#weights.at(slot)
    }
    this.#slotCounts[place] = 0
  }
}
