import type { UsageSums } from '@/lib/contract/usage'
import { usdOfNano } from '@/lib/money'
import { METRICS, sumsBy } from './metrics'

/** Sums of one group, by the values of the dimensions in their order, '' where a request has none, and what these are called. */
export type Group = { values: string[]; names: (string | null)[]; sums: UsageSums }
/** `interval` counts from 0; `digits` are those of `METRICS` as PostgreSQL prints them, with commas between. */
type Digits = { interval: number; digits: string }
export type Point = Digits & { group: Group }
export type Usage = {
  total: UsageSums
  /** The dearest first. */
  groups: Group[]
  rest: { groups: number; sums: UsageSums } | null
  /** In order of time, then of `groups`. */
  points: Point[]
  /** Whether there are more points than were asked for. */
  hasMore: boolean
}

type Read = Omit<Group, 'sums'> & { points: Digits[] }
type Ranked = Read & { totals: bigint[] }

const COST = METRICS.indexOf('cost')
const REQUESTS = METRICS.indexOf('requests')

/** @param points of one group: `(interval,requests,...)` for each, with `;` between */
export const readPoints = (points: string): Digits[] =>
  points === '' ? [] : points.slice(1, -1).split(');(').map(readPoint)

function readPoint(text: string): Digits {
  const comma = text.indexOf(',')
  return { interval: Number(text.slice(0, comma)), digits: text.slice(comma + 1) }
}

/** Adds up and ranks what was read of every group. */
export function tally(read: readonly Read[], { limit, pointsMax }: { limit: number; pointsMax: number }): Usage {
  const all = read.map((group) => ({ ...group, totals: totalsOf(group) }))
  const ranked = all.filter(({ totals }) => totals[REQUESTS] !== 0n || totals[COST] !== 0n).sort(byRank)
  const others = ranked.slice(limit)
  const groups = ranked.slice(0, limit).map(({ totals, ...group }) => ({ ...group, sums: sumsOf(totals) }))
  const points = pointsOf(groups)
  return {
    total: sumsOf(together(all)),
    groups,
    rest: others.length > 0 ? { groups: others.length, sums: sumsOf(together(others)) } : null,
    points: points.slice(0, pointsMax),
    hasMore: points.length > pointsMax,
  }
}

function totalsOf({ points }: Read): bigint[] {
  const sums = METRICS.map(() => new Sum())
  for (const { digits } of points) {
    let from = 0
    for (const sum of sums) from = sum.add(digits, from)
  }
  return sums.map((sum) => sum.value)
}

/** In numbers as long as these are exact, because most sums are. */
class Sum {
  #large = 0n
  #small = 0

  /** Adds what stands from here to the next comma, without making a text of it. @returns where the next one begins */
  add(text: string, from: number): number {
    const isNegative = text.charCodeAt(from) === MINUS
    let [at, size] = [isNegative ? from + 1 : from, 0]
    for (; at < text.length; at++) {
      const code = text.charCodeAt(at)
      if (code === COMMA) break
      size = size * 10 + code - ZERO
    }
    if (at - from > EXACT_DIGITS) this.#large += BigInt(text.slice(from, at))
    else this.#small += isNegative ? -size : size
    if (Math.abs(this.#small) >= CARRY_AT) {
      this.#large = this.value
      this.#small = 0
    }
    return at + 1
  }

  get value(): bigint {
    return this.#large + BigInt(this.#small)
  }
}
const [COMMA, MINUS, ZERO] = [0x2c, 0x2d, 0x30]
const EXACT_DIGITS = 15
const CARRY_AT = 2 ** 52

function byRank(a: Ranked, b: Ranked): number {
  for (const at of [COST, REQUESTS]) {
    const [left = 0n, right = 0n] = [a.totals[at], b.totals[at]]
    if (left !== right) return left > right ? -1 : 1
  }
  const [first = 0, second = 0] = a.values.map((value, at) => bytesOf(value).compare(bytesOf(b.values[at] ?? '')))
  return first || second
}
/** As PostgreSQL orders texts by the collation "C". */
const bytesOf = (text: string): Buffer => Buffer.from(text)

const together = (groups: readonly Ranked[]): bigint[] =>
  METRICS.map((_, at) => groups.reduce((sum, { totals }) => sum + (totals[at] ?? 0n), 0n))

const sumsOf = (totals: readonly bigint[]): UsageSums => sumsBy((name) => totals[METRICS.indexOf(name)] ?? 0n)

/** In order of time, then of the groups; of intervals in which there is anything. */
export function pointsOf(groups: readonly (Group & { points: Digits[] })[]): Point[] {
  const byInterval: Point[][] = []
  for (const group of groups) {
    for (const { interval, digits } of group.points) {
      if (digits.startsWith('0,') && digits.split(',')[COST] === '0') continue
      const point = { interval, digits, group }
      const own = byInterval[interval]
      if (own) own.push(point)
      else byInterval[interval] = [point]
    }
  }
  return byInterval.flat()
}

/** The sums of a point as JSON and CSV write them, in the order of `METRICS`. */
export function writtenSums(digits: string): string[] {
  const sums = digits.split(',')
  const cost = sums[COST] ?? '0'
  for (let at = 0; at < sums.length; at++) sums[at] = countOf(sums[at] ?? '0')
  sums[COST] = usdOf(cost)
  return sums
}

const countOf = (digits: string): string =>
  digits.length <= EXACT_DIGITS ? digits : String(Math.min(Number(digits), Number.MAX_SAFE_INTEGER))

/** As `usdOfNano`, of which most amounts need no bigint. */
function usdOf(digits: string): string {
  if (digits.length < 10 || digits.startsWith('-')) return usdOfNano(BigInt(digits))
  return `${digits.slice(0, -9)}.${digits.slice(-9)}`
}
