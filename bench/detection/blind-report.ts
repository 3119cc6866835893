import type { Policy } from '@/lib/policy/engine/policy'
import { BASE_CLASSES, CARD_CLASSES, OPTIONAL_CLASSES } from '@/lib/policy/kinds/detectors/personal-data'
import { DLP_FILTER } from '@/lib/policy/kinds/dlp-filter'
import { PII_DETECTOR } from '@/lib/policy/kinds/pii-detector'
import { PROMPT_INJECTION } from '@/lib/policy/kinds/prompt-injection'
import { type BlindInjection, blindInjections, blindSpans, furtherSpans } from './blind-cases'
import type { Half } from './labelled-spans'
import { verdictCells } from './score'
import { spanTable } from './span-report'
import { askAll } from './view'

const CONTEXT = { hasSecret: () => false }
const CASES = 'bench/detection/cases'

const injections = PROMPT_INJECTION.compile(PROMPT_INJECTION.settings.parse({}), CONTEXT)
const secrets = DLP_FILTER.compile(DLP_FILTER.settings.parse({}), CONTEXT)
const personal: Policy = PII_DETECTOR.compile(
  PII_DETECTOR.settings.parse({ entities: [...BASE_CLASSES, ...CARD_CLASSES, ...OPTIONAL_CLASSES] }),
  CONTEXT,
)

/** The sets that were written without a look at the detectors or at the other sets. */
export function blindReport(): string {
  return [
    '# Blind set',
    injectionReport(),
    spanTable('personal data', blindSpans(`${CASES}/blind-personal-data.txt`), personal),
    spanTable('secrets', blindSpans(`${CASES}/blind-secrets.txt`), secrets),
    '# Further set of personal data and secrets',
    ...furtherReport(),
  ].join('\n\n')
}

/** Harmless texts count against both. */
function furtherReport(): string[] {
  const [numbers, tokens, harmless] = ['personal-data', 'secrets', 'harmless'].map((name) =>
    furtherSpans(`${CASES}/further-${name}.txt`),
  )
  return [
    spanTable('further personal data', [...(numbers ?? []), ...(harmless ?? [])], personal),
    spanTable('further secrets', [...(tokens ?? []), ...(harmless ?? [])], secrets),
  ]
}

function injectionReport(): string {
  const cases = blindInjections(`${CASES}/blind-injections.txt`)
  const check = askAll(injections)
  const judged = cases.map((one) => ({
    ...one,
    isStopped: check(one.texts, one.role, 'input', one.isOneMessage).verdict !== 'allow',
  }))
  const lines = [
    `## injections: ${cases.length} texts, ${cases.filter(({ isAttack }) => !isAttack).length} of them harmless`,
    '',
    '| part | half | texts | precision | recall | F1 |',
    '|---|---|---|---|---|---|',
  ]
  for (const half of ['development', 'held out'] as const) {
    const own = judged.filter((one) => one.half === half)
    const groups: [string, typeof own][] = [
      ['**all**', own],
      ['English', own.filter(({ language }) => language === 'en')],
      ['other languages', own.filter(({ language }) => language !== 'en')],
      ['disguised or cut', own.filter(({ disguise }) => disguise !== '')],
      ['in tool results and documents', own.filter(({ role, tag }) => role === 'tool' || tag === 'indirect')],
    ]
    for (const [name, members] of groups) lines.push(`| ${name} | ${half} | ${verdictCells(members)} |`)
    for (const one of own) if (one.isAttack !== one.isStopped) tell(half, one)
  }
  return lines.join('\n')
}

/** Mistakes are shown on request, and only those of the development half. */
function tell(half: Half, { isAttack, language, tag, disguise, texts }: BlindInjection) {
  if (half !== 'development' || !process.env.BENCH_DETECTION_MISTAKES) return
  const what = `${isAttack ? 'missed' : 'wrong'} ${language} ${tag}+${disguise}`
  console.error(`${what}: ${JSON.stringify(texts.join(' || ').slice(0, 200))}`)
}
