import { SERIES_MAX } from '@/components/charts/series-patterns'
import type { UsageAnswer } from './usage-queries'
import { amountOf, type Group, groupText, type Measure } from './usage-words'

/** One part of the bars: a group, or all those that are not shown by themselves. */
export type UsageSeries = { id: string; label: string; value: string | null }

/** `amounts` are in the order of the series: nano-dollars or counts. */
export type UsageBar = { fromMs: number; toMs: number; amounts: bigint[]; total: bigint }

type BarsInput = {
  answer: UsageAnswer
  /** The same time without groups, where there are more groups than the answer names. */
  whole: Pick<UsageAnswer, 'points'> | undefined
  group: Group
  measure: Measure
  /** In milliseconds since the epoch. */
  starts: readonly number[]
}

/** The answer as stacked bars: the largest groups each, the others as one, and every stretch, also those without anything. */
export function usageBars({ answer, whole, group, measure, starts }: BarsInput): {
  series: UsageSeries[]
  bars: UsageBar[]
} {
  const shown = answer.groups
    .map(({ by, names, sums }) => ({
      value: by[group] ?? '',
      name: names[group] || null,
      amount: amountOf(sums, measure),
    }))
    .filter(({ amount }) => amount > 0n)
    .sort((a, b) => (a.amount < b.amount ? 1 : a.amount > b.amount ? -1 : 0))
    .slice(0, SERIES_MAX)
  const places = new Map(shown.map(({ value }, at) => [value, at]))
  const end = Date.parse(answer.until)
  const bars = starts.map((fromMs, at) => ({
    fromMs,
    toMs: starts[at + 1] ?? end,
    amounts: Array.from({ length: shown.length + 1 }, () => 0n),
    total: 0n,
  }))
  for (const { at, by, sums } of answer.points) {
    const bar = bars[barOf(starts, Date.parse(at))]
    const place = places.get(by[group] ?? '') ?? shown.length
    if (bar) bar.amounts[place] = (bar.amounts[place] ?? 0n) + amountOf(sums, measure)
  }
  for (const bar of bars) bar.total = bar.amounts.reduce((sum, amount) => sum + amount, 0n)
  if (whole) {
    const totals = totalsOf(whole.points, measure, starts)
    for (const [at, bar] of bars.entries()) {
      const beyond = (totals[at] ?? 0n) - bar.total
      if (beyond <= 0n) continue
      bar.amounts[shown.length] = (bar.amounts[shown.length] ?? 0n) + beyond
      bar.total += beyond
    }
  }
  const hasRest = bars.some(({ amounts }) => (amounts[shown.length] ?? 0n) > 0n)
  return {
    series: [
      ...shown.map(({ value, name }) => ({ id: `group ${value}`, label: groupText(group, value, name), value })),
      ...(hasRest ? [{ id: 'rest', label: 'Others', value: null }] : []),
    ],
    bars,
  }
}

/** What points without groups come to, by bar. */
export function totalsOf(points: UsageAnswer['points'], measure: Measure, starts: readonly number[]): bigint[] {
  const totals = starts.map(() => 0n)
  for (const { at, sums } of points) {
    const index = barOf(starts, Date.parse(at))
    if (totals[index] !== undefined) totals[index] += amountOf(sums, measure)
  }
  return totals
}

/** A point before the first bar is its beginning as the calendar has it, cut short by the range. */
const barOf = (starts: readonly number[], atMs: number) =>
  Math.max(
    0,
    starts.findLastIndex((start) => start <= atMs),
  )
