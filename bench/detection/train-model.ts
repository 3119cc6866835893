import type { Runs } from './injection-samples'
import { seeded } from './values'

export type Sample = {
  runs: Runs
  isAttack: boolean
  /** How much it counts. */
  weight: number
}

/** Weights by feature. */
export type Model = { weights: ReadonlyMap<number, number>; bias: number }

export type Training = {
  /** Features of fewer texts say nothing. */
  textsMin: number
  rounds: number
  epochs: number
  rate: number
  /** Pulls weights towards zero. */
  decay: number
}

/**
 * Logistic regression by AdaGrad. Of an attack only one run of words need be suspicious, so after the first round an attack
 * is its most suspicious run; of a harmless text every run is harmless.
 */
export function trained(samples: readonly Sample[], training: Training): Model {
  const names = commonFeatures(samples, training.textsMin)
  const numbers = new Map(names.map((feature, number) => [feature, number]))
  const known = samples.map((sample) => ({ ...sample, runs: sample.runs.map((run) => numbered(run, numbers)) }))
  let fit: Fit = { weights: new Float64Array(names.length), bias: 0 }
  for (let round = 0; round < training.rounds; round++) {
    fit = fitted(rowsOf(known, round === 0 ? null : fit), names.length, training)
  }
  const { weights, bias } = fit
  return { weights: new Map(names.map((feature, number) => [feature, weights[number] as number])), bias }
}

/**
 * The weights of at least `least`, in whole numbers from -127 to 127, and what one of them is. None is more than `most`, so
 * that no single word condemns a text.
 */
export function rounded(
  { weights }: Model,
  { least, most }: { least: number; most: number },
): { weights: Map<number, number>; scale: number } {
  const scale = most / 127
  const kept = [...weights].filter(([, weight]) => Math.abs(weight) >= least)
  const whole = (weight: number) => Math.max(-127, Math.min(127, Math.round(weight / scale)))
  return { weights: new Map(kept.map(([feature, weight]) => [feature, whole(weight)])), scale }
}

/** By number of the feature. */
type Fit = { weights: Float64Array; bias: number }
type Row = { run: Int32Array; wanted: 0 | 1; weight: number }

function commonFeatures(samples: readonly Sample[], textsMin: number): number[] {
  const texts = new Map<number, number>()
  for (const { runs } of samples) {
    for (const feature of new Set(runs.flatMap((run) => [...run]))) texts.set(feature, (texts.get(feature) ?? 0) + 1)
  }
  return [...texts].flatMap(([feature, count]) => (count >= textsMin ? [feature] : []))
}

const numbered = (run: Int32Array, numbers: ReadonlyMap<number, number>) =>
  Int32Array.from(run, (feature) => numbers.get(feature) ?? -1).filter((number) => number >= 0)

const logOdds = ({ weights, bias }: Fit, run: Int32Array) =>
  run.reduce((sum, number) => sum + (weights[number] as number), bias)

function rowsOf(samples: readonly Sample[], fit: Fit | null): Row[] {
  return samples.flatMap(({ runs, isAttack, weight }): Row[] => {
    if (!isAttack) return runs.map((run) => ({ run, wanted: 0, weight }))
    if (fit === null) return runs.map((run) => ({ run, wanted: 1, weight: weight / runs.length }))
    const scores = runs.map((run) => logOdds(fit, run))
    const worst = runs[scores.indexOf(Math.max(...scores))]
    return worst === undefined ? [] : [{ run: worst, wanted: 1, weight }]
  })
}

function fitted(rows: Row[], count: number, { epochs, rate, decay }: Training): Fit {
  const random = seeded('rows')
  const weights = new Float64Array(count)
  const squares = new Float64Array(count)
  const fit = { weights, bias: 0 }
  let biasSquares = 0
  for (let epoch = 0; epoch < epochs; epoch++) {
    shuffle(rows, random)
    for (const { run, wanted, weight } of rows) {
      const slope = (1 / (1 + Math.exp(-logOdds(fit, run))) - wanted) * weight
      if (Math.abs(slope) < SLOPE_MIN) continue
      for (const number of run) {
        const own = slope + decay * (weights[number] as number)
        const square = (squares[number] as number) + own * own
        squares[number] = square
        weights[number] = (weights[number] as number) - (rate * own) / (Math.sqrt(square) + DAMPING)
      }
      biasSquares += slope * slope
      fit.bias -= (rate * slope) / (Math.sqrt(biasSquares) + DAMPING)
    }
  }
  return fit
}

const SLOPE_MIN = 1e-4
const DAMPING = 0.5

function shuffle<T>(list: T[], random: () => number): void {
  for (let last = list.length - 1; last > 0; last--) {
    const other = Math.floor(random() * (last + 1))
    const one = list[last] as T
    list[last] = list[other] as T
    list[other] = one
  }
}
