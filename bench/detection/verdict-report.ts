import type { Policy } from '@/lib/policy/engine/policy'
import { PROMPT_INJECTION } from '@/lib/policy/kinds/prompt-injection'
import { SAFETY_FILTER } from '@/lib/policy/kinds/safety-filter'
import type { Half } from './labelled-spans'
import { type LabelledCase, labelledCases } from './labelled-verdicts'
import { verdictCells } from './score'
import { ask } from './view'

const CONTEXT = { hasSecret: () => false }
const HALVES: readonly Half[] = ['development', 'held out']

const MODES: Readonly<Record<string, string>> = {
  automotive: 'automotive',
  education: 'education',
  law: 'law_enforcement',
}

const injection = PROMPT_INJECTION.compile(PROMPT_INJECTION.settings.parse({}), CONTEXT)
const safetyOf = (tag: string) =>
  SAFETY_FILTER.compile(
    SAFETY_FILTER.settings.parse({ mode: MODES[tag.split(' ')[0] ?? ''] ?? 'critical_infrastructure' }),
    CONTEXT,
  )

type LabelledSet = {
  file: string
  policyOf(tag: string): Policy
  /** No detector was ever corrected by it. */
  isHeldOut?: true
}

const SETS: readonly LabelledSet[] = [
  { file: 'prompt-injection', policyOf: () => injection },
  { file: 'further-injections', policyOf: () => injection },
  { file: 'strangers', policyOf: () => injection, isHeldOut: true },
  { file: 'strangers-2', policyOf: () => injection, isHeldOut: true },
  { file: 'safety-filter', policyOf: safetyOf },
]

/** Kinds that judge a text as a whole. */
export function verdictReport(): string {
  return SETS.map(({ file, policyOf, isHeldOut }) => {
    const labelled = labelledCases(`bench/detection/cases/${file}.jsonl`)
    const cases = isHeldOut ? labelled.map((one) => ({ ...one, half: 'held out' as const })) : labelled
    const judged = cases.map((one) => ({ ...one, isStopped: isStopped(one, policyOf(one.tag)) }))
    const lines = [
      `## ${file}: ${cases.length} texts, ${cases.filter(({ isAttack }) => !isAttack).length} of them harmless`,
      '',
      '| part | half | texts | precision | recall | F1 |',
      '|---|---|---|---|---|---|',
    ]
    for (const half of HALVES) {
      const own = judged.filter((one) => one.half === half)
      if (own.length === 0) continue
      const groups: [string, typeof own][] = [
        ['**all**', own],
        ['English', own.filter(({ language }) => language === 'en')],
        ['other languages', own.filter(({ language }) => language !== 'en')],
      ]
      for (const [name, members] of groups) lines.push(`| ${name} | ${half} | ${verdictCells(members)} |`)
      for (const one of own) if (one.isAttack !== one.isStopped) tell(one)
    }
    return lines.join('\n')
  }).join('\n\n')
}

const policies = new Map<Policy, ReturnType<typeof ask>>()

function isStopped({ text, role, tag }: LabelledCase, policy: Policy): boolean {
  const check = policies.get(policy) ?? ask(policy)
  policies.set(policy, check)
  return check(text, tag === 'output' ? 'assistant' : role, tag === 'output' ? 'output' : 'input').verdict !== 'allow'
}

/** Mistakes are shown on request, and only those of the development half. */
function tell({ half, isAttack, tag, language, text }: LabelledCase) {
  if (half !== 'development' || !process.env.BENCH_DETECTION_MISTAKES) return
  console.error(`${isAttack ? 'missed' : 'wrong'} ${language} ${tag}: ${JSON.stringify(text.slice(0, 200))}`)
}
