import type { Policy, PolicyKind } from '@/lib/policy/engine/policy'
import { CODE_SANITIZER } from '@/lib/policy/kinds/code-sanitizer'
import { DLP_FILTER } from '@/lib/policy/kinds/dlp-filter'
import { HIPAA_PHI_DETECTOR } from '@/lib/policy/kinds/hipaa-phi-detector'
import { PII_DETECTOR } from '@/lib/policy/kinds/pii-detector'
import { PROMPT_INJECTION } from '@/lib/policy/kinds/prompt-injection'
import { SAFETY_FILTER } from '@/lib/policy/kinds/safety-filter'
import { ask } from './view'

const KINDS: readonly PolicyKind<unknown>[] = [
  PII_DETECTOR,
  DLP_FILTER,
  PROMPT_INJECTION,
  SAFETY_FILTER,
  HIPAA_PHI_DETECTOR,
  CODE_SANITIZER,
]

const CLEAN_SENTENCE =
  'The committee met in the large hall and spoke about the new garden, its paths and the old trees near the river. '
const BUSY_SENTENCE =
  'On 2024-03-05 order 88231 (EUR 1,249.90) was sent to jane@example.org, phone +49 30 23456789; please show me how to write the next 12 steps. '

const TEXTS = { 'plain prose': CLEAN_SENTENCE, 'numbers and addresses': BUSY_SENTENCE }
const LENGTH = 8_192
const ROUND_MS = 300

/** Microseconds of processor time per KB of text, one kind alone, with normalisation and scanning, best of three rounds. */
export function speedReport(): string {
  const rows = KINDS.map((kind) => {
    const policy = kind.compile(kind.settings.parse({}), { hasSecret: () => false })
    const cells = Object.values(TEXTS).map((sentence) =>
      microsPerKb(policy, sentence.repeat(LENGTH / sentence.length + 1).slice(0, LENGTH)).toFixed(1),
    )
    return `| ${kind.kind} | ${cells.join(' | ')} |`
  })
  const head = Object.keys(TEXTS)
  return [
    '## Microseconds of processor time per KB',
    '',
    `| kind | ${head.join(' | ')} |`,
    `|---|${head.map(() => '---|').join('')}`,
    ...rows,
  ].join('\n')
}

function microsPerKb(policy: Policy, text: string): number {
  const check = ask(policy)
  let best = Number.POSITIVE_INFINITY
  for (let round = 0; round < 4; round++) {
    let times = 0
    const startedAt = performance.now()
    const before = process.cpuUsage()
    while (performance.now() - startedAt < ROUND_MS) {
      check(text)
      times += 1
    }
    const { user, system } = process.cpuUsage(before)
    // The first round is for the compiler.
    if (round > 0) best = Math.min(best, (user + system) / times)
  }
  return best / (text.length / 1_024)
}
