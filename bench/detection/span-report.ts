import type { Policy } from '@/lib/policy/engine/policy'
import { DLP_FILTER } from '@/lib/policy/kinds/dlp-filter'
import { PII_DETECTOR } from '@/lib/policy/kinds/pii-detector'
import { type Half, type LabelledText, labelledTexts } from './labelled-spans'
import { type Counts, noCounts, scoreCells } from './score'
import { ask } from './view'

const CONTEXT = { hasSecret: () => false }
const HALVES: readonly Half[] = ['development', 'held out']

const SETS: readonly { file: string; policy: Policy }[] = [
  { file: 'pii-detector', policy: PII_DETECTOR.compile(PII_DETECTOR.settings.parse({}), CONTEXT) },
  { file: 'dlp-filter', policy: DLP_FILTER.compile(DLP_FILTER.settings.parse({}), CONTEXT) },
]

/** Kinds that find places: a value counts as found when a span covers all of it. */
export function spanReport(): string {
  return SETS.map(({ file, policy }) =>
    spanTable(file, labelledTexts(`bench/detection/cases/${file}.txt`), policy),
  ).join('\n\n')
}

/** Per half and entity. */
export function spanTable(file: string, texts: readonly LabelledText[], policy: Policy): string {
  const lines = [
    `## ${file}: ${texts.length} texts, ${texts.filter(({ wanted }) => wanted.length === 0).length} of them without anything to find`,
    '',
    '| entity | half | values | precision | recall | F1 |',
    '|---|---|---|---|---|---|',
  ]
  for (const half of HALVES) {
    const byRule = count(
      texts.filter((text) => text.half === half),
      policy,
    )
    const all = noCounts()
    const rows = [...byRule].sort(([a], [b]) => a.localeCompare(b))
    for (const [, counts] of rows) for (const key of ['hit', 'wrong', 'missed'] as const) all[key] += counts[key]
    for (const [rule, counts] of [['**all**', all] as const, ...rows]) {
      lines.push(`| ${rule} | ${half} | ${counts.hit + counts.missed} | ${scoreCells(counts)} |`)
    }
  }
  return lines.join('\n')
}

function count(texts: readonly LabelledText[], policy: Policy): Map<string, Counts> {
  const byRule = new Map<string, Counts>()
  const of = (rule: string) => {
    const counts = byRule.get(rule) ?? noCounts()
    byRule.set(rule, counts)
    return counts
  }
  const check = ask(policy)
  for (const { half, text, wanted } of texts) {
    const found = check(text).detections
    for (const value of wanted) {
      const isFound = found.some(({ start, end }) => start <= value.start && end >= value.end)
      of(value.rule)[isFound ? 'hit' : 'missed'] += 1
      if (!isFound) tell(half, `missed ${value.rule} ${JSON.stringify(text.slice(value.start, value.end))} in`, text)
    }
    for (const { start, end, rule } of found) {
      // Wider than wanted by more than brackets is wrong as well: it takes away what nobody asked for.
      const slack = 2
      const isWanted = wanted.some((value) => start < value.end && end > value.start)
      const isTooWide =
        isWanted &&
        end - start >
          wanted.filter((v) => start < v.end && end > v.start).reduce((sum, v) => sum + v.end - v.start + slack, 0) +
            slack
      if (isWanted && !isTooWide) continue
      of(rule).wrong += 1
      tell(half, `wrong ${rule} ${JSON.stringify(text.slice(start, end))} in`, text)
    }
  }
  return byRule
}

/** Mistakes are shown on request, and only those of the development half. */
function tell(half: Half, what: string, text: string) {
  if (half === 'development' && process.env.BENCH_DETECTION_MISTAKES) console.error(`${what}: ${text.slice(0, 160)}`)
}
