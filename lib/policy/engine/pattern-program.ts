/** One instruction of a compiled RE2 program, as re2js lays it out. */
type Instruction = { op: number; out: number; arg: number; runes: ArrayLike<number> }
export type Program = { inst: readonly Instruction[]; start: number }

/** re2js, `Inst`. */
const ALT = 1
const ALT_MATCH = 2
const CAPTURE = 3
const EMPTY_WIDTH = 4
const MATCH = 6
const NOP = 7
const RUNE = 8
const RUNE1 = 9
const RUNE_ANY = 10
const RUNE_ANY_NOT_NL = 11
const FOLD_CASE = 1

type Ranges = readonly (readonly [number, number])[]

const ANY: Ranges = [[0, 0x10ffff]]
const PREFIX_MAX = 8

/**
 * What every match of a program must contain, as a V8 regex that is a fixed sequence of character classes: no loop and no
 * alternative, so it is linear whatever the text.
 *
 * - `prefix`: a match begins where it matches
 * - `inner`: a match contains what it matches
 */
export type Prefilter = { kind: 'prefix' | 'inner'; regex: RegExp }

/** null when the program says too little for a filter to pay. */
export function prefilterOf(program: Program): Prefilter | null {
  const prefix = prefixOf(program)
  const inner = requiredRun(program)
  const best = chanceOf(inner) < chanceOf(prefix) / 4 ? inner : prefix
  if (chanceOf(best) > CHANCE_MAX) return null
  return { kind: best === prefix ? 'prefix' : 'inner', regex: new RegExp(best.map(classOf).join(''), 'gu') }
}

/** Longest match in UTF-16 units; null when there is no bound. */
export function lengthMaxOf(program: Program): number | null {
  const known = new Map<number, number>()
  const open = new Set<number>()
  const walk = (pc: number): number | null => {
    const done = known.get(pc)
    if (done !== undefined) return done
    if (open.has(pc)) return null
    open.add(pc)
    let longest = 0
    for (const next of nextOf(program, pc)) {
      const rest = walk(next)
      if (rest === null) return null
      longest = Math.max(longest, rest)
    }
    open.delete(pc)
    const ranges = rangesOf(program.inst[pc])
    const length = longest + (ranges === null ? 0 : ranges.some(([, high]) => high > 0xffff) ? 2 : 1)
    known.set(pc, length)
    return length
  }
  return walk(program.start)
}

/** Whether it matches where there is nothing, and so everywhere. */
export const matchesNothing = (program: Program): boolean =>
  closure(program, [program.start]).some((pc) => program.inst[pc]?.op === MATCH)

/** A class that a tenth of all characters would pass is no filter on its own. */
const CHANCE_MAX = 1 / 200
/** Of printable ASCII. */
const USUAL_CHARACTERS = 95

/** How likely usual text passes: letters of a sequence are taken as independent. */
const chanceOf = (run: readonly Ranges[]): number =>
  run.length === 0
    ? 1
    : run.reduce((chance, ranges) => {
        const width = ranges.reduce((sum, [low, high]) => sum + Math.max(0, Math.min(high, 0x7e) - low + 1), 0)
        return chance * Math.min(1, Math.max(1, width) / USUAL_CHARACTERS)
      }, 1)

function prefixOf(program: Program): Ranges[] {
  const prefix: Ranges[] = []
  let at = closure(program, [program.start])
  while (prefix.length < PREFIX_MAX && !at.some((pc) => program.inst[pc]?.op === MATCH)) {
    const steps = at.flatMap((pc) => {
      const ranges = rangesOf(program.inst[pc])
      return ranges === null ? [] : [{ ranges, out: program.inst[pc]?.out ?? 0 }]
    })
    if (steps.length === 0) return prefix
    prefix.push(steps.flatMap(({ ranges }) => ranges))
    at = closure(
      program,
      steps.map(({ out }) => out),
    )
  }
  return prefix
}

/** The least likely run of characters that lies on every way through the program. */
function requiredRun(program: Program): Ranges[] {
  const required = new Set<number>()
  for (let pc = 0; pc < program.inst.length; pc++) {
    const ranges = rangesOf(program.inst[pc])
    if (ranges !== null && ranges.length <= 4 && !reachesMatchWithout(program, pc)) required.add(pc)
  }
  let best: Ranges[] = []
  for (const first of required) {
    const run: Ranges[] = []
    for (let pc: number | undefined = first; pc !== undefined && run.length < PREFIX_MAX; ) {
      run.push(rangesOf(program.inst[pc]) ?? ANY)
      const following = closure(program, [program.inst[pc]?.out ?? 0])
      pc = following.length === 1 ? following.find((next) => required.has(next)) : undefined
    }
    if (chanceOf(run) < chanceOf(best)) best = run
  }
  return best
}

function reachesMatchWithout(program: Program, avoided: number): boolean {
  const seen = new Set([avoided, program.start])
  const open = avoided === program.start ? [] : [program.start]
  for (let pc = open.pop(); pc !== undefined; pc = open.pop()) {
    if (program.inst[pc]?.op === MATCH) return true
    for (const next of nextOf(program, pc)) {
      if (seen.has(next)) continue
      seen.add(next)
      open.push(next)
    }
  }
  return false
}

/** The instructions that consume a character, or match, which are reached without consuming one. */
function closure(program: Program, from: readonly number[]): number[] {
  const seen = new Set(from)
  const open = [...seen]
  const found: number[] = []
  for (let pc = open.pop(); pc !== undefined; pc = open.pop()) {
    const instruction = program.inst[pc]
    if (instruction?.op === MATCH || rangesOf(instruction) !== null) {
      found.push(pc)
      continue
    }
    for (const next of nextOf(program, pc)) {
      if (seen.has(next)) continue
      seen.add(next)
      open.push(next)
    }
  }
  return found
}

function nextOf({ inst }: Program, pc: number): readonly number[] {
  const instruction = inst[pc]
  switch (instruction?.op) {
    case ALT:
    case ALT_MATCH:
      return [instruction.out, instruction.arg]
    case CAPTURE:
    case EMPTY_WIDTH:
    case NOP:
    case RUNE:
    case RUNE1:
    case RUNE_ANY:
    case RUNE_ANY_NOT_NL:
      return [instruction.out]
    default:
      return []
  }
}

/** What an instruction consumes; null when it consumes nothing. Rather too much than too little. */
function rangesOf(instruction: Instruction | undefined): Ranges | null {
  if (instruction === undefined) return null
  if (instruction.op === RUNE_ANY || instruction.op === RUNE_ANY_NOT_NL) return ANY
  if (instruction.op !== RUNE && instruction.op !== RUNE1) return null
  const { runes } = instruction
  const only = runes[0] ?? 0
  if (runes.length === 1) {
    if (instruction.op === RUNE1 || (instruction.arg & FOLD_CASE) === 0) return [[only, only]]
    return only < 0x80 ? foldsOf(only) : ANY
  }
  return Array.from({ length: runes.length >> 1 }, (_, i) => [runes[2 * i] ?? 0, runes[2 * i + 1] ?? 0x10ffff] as const)
}

/** Both cases of an ASCII letter; k and s have a third form (Kelvin sign, long s). */
function foldsOf(point: number): Ranges {
  const lower = String.fromCodePoint(point).toLowerCase()
  const forms = [lower, lower.toUpperCase(), lower === 'k' ? '\u212a' : '', lower === 's' ? '\u017f' : '']
  return forms.filter((form) => form !== '').map((form) => [form.charCodeAt(0), form.charCodeAt(0)] as const)
}

const classOf = (ranges: Ranges): string =>
  `[${ranges.map(([low, high]) => (low === high ? escapeOf(low) : `${escapeOf(low)}-${escapeOf(high)}`)).join('')}]`

const escapeOf = (point: number): string => `\\u{${point.toString(16)}}`
