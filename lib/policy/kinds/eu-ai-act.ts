import { z } from 'zod'
import type { PolicyKind } from '@/lib/policy/engine/policy'
import { finding } from './mechanisms/finding'
import { onError } from './mechanisms/setting-shapes'

/** What a chain can contribute to an article of Regulation (EU) 2024/1689; any one of the kinds counts. */
const CONTRIBUTIONS: Readonly<Record<number, { about: string; kinds: readonly string[] }>> = {
  9: {
    about: 'risk management',
    kinds: ['prompt-injection', 'safety-filter', 'dlp-filter', 'external-moderation', 'agent-firewall'],
  },
  10: { about: 'data governance', kinds: ['pii-detector', 'data-routing-policy'] },
  11: { about: 'technical documentation', kinds: ['audit-logger'] },
  12: { about: 'record-keeping', kinds: ['audit-logger'] },
  13: { about: 'transparency', kinds: ['human-oversight'] },
  14: { about: 'human oversight', kinds: ['human-oversight'] },
  15: {
    about: 'accuracy, robustness and cybersecurity',
    kinds: ['quality-scorer', 'prompt-injection', 'safety-filter'],
  },
}

const ARTICLES = Object.keys(CONTRIBUTIONS).map(Number)

const Settings = z.strictObject({
  risk_class: z.enum(['minimal', 'limited', 'high', 'unacceptable']).default('high'),
  articles: z
    .array(
      z
        .number()
        .int()
        .refine((article) => ARTICLES.includes(article), `must be one of ${ARTICLES.join(', ')}`),
    )
    .max(20)
    .default(ARTICLES),
  on_error: onError,
})
type Settings = z.infer<typeof Settings>

/**
 * Which articles nothing in a chain contributes to, as sentences for lint and `kt policy explain`.
 *
 * @param chain kinds in any order
 */
export const missingForEuAiAct = (settings: Pick<Settings, 'articles'>, chain: readonly string[]): string[] =>
  uncovered(settings, chain).map((article) => {
    const { about, kinds } = CONTRIBUTIONS[article] ?? { about: '', kinds: [] }
    return `Nothing in the chain contributes to article ${article} (${about}): add ${kinds.join(' or ')}.`
  })

/** Marks events with the risk class of a system and says what its chain lacks. It can prove no conformity. */
export const EU_AI_ACT: PolicyKind<Settings> = {
  kind: 'eu-ai-act',
  version: '1',
  summary: 'Marks events with the risk class and checks that the chain contributes to the articles named.',
  phases: ['input'],
  settings: Settings,
  needsBlock: false,
  compile(settings, { chain }) {
    const missing = chain ? uncovered(settings, chain) : []
    const isProhibited = settings.risk_class === 'unacceptable'
    const flags = [
      `eu_ai_act.risk_class:${settings.risk_class}`,
      ...missing.map((article) => `eu_ai_act.article_uncovered:${article}`),
    ]
    const marked = isProhibited
      ? finding({
          verdict: 'block',
          reasonCode: 'eu_ai_act.prohibited',
          message: 'This use of AI is prohibited here.',
          flags,
        })
      : finding({ flags })
    return {
      kind: 'eu-ai-act',
      version: '1',
      phases: ['input'],
      terms: [],
      onError: settings.on_error,
      streaming: 'buffered',
      explain: [
        isProhibited
          ? 'Blocks everything: practices of unacceptable risk are prohibited (article 5).'
          : `Marks events with the risk class ${settings.risk_class}.`,
        ...(chain ? missingForEuAiAct(settings, chain) : []),
        'It checks which policies are there, not whether a system conforms.',
      ],
      bytesMax: 0,
      check: () => marked,
    }
  },
}

const uncovered = ({ articles }: Pick<Settings, 'articles'>, chain: readonly string[]) =>
  articles.filter((article) => !CONTRIBUTIONS[article]?.kinds.some((kind) => chain.includes(kind)))
