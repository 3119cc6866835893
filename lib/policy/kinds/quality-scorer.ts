import { z } from 'zod'
import { compilePattern } from '@/lib/policy/engine/pattern'
import { CLEAN, type Finding, type PolicyKind, type Ports, type View } from '@/lib/policy/engine/policy'
import { isJsonDocument, wholeAnswer } from './mechanisms/answer-edits'
import { finding } from './mechanisms/finding'
import { askJudge, shortened } from './mechanisms/judge'
import { ANSWER_POLICY } from './mechanisms/regulated-answer'
import { sentencesOf } from './mechanisms/sentences'
import { type Assertion, type Dimension, dimensionsOf, needsJudge, QualitySettings } from './quality-settings'

/** What one check came to. `score` is 0 to 1; `fails` when it decides alone. */
type Score = { name: string; score: number; weight: number; fails: boolean }

/** Scores answers by checks computed here and by a judge. */
export const QUALITY_SCORER: PolicyKind<QualitySettings> = {
  kind: 'quality-scorer',
  version: '1',
  summary: 'Scores answers by assertions and a judge model, and stops those below the thresholds.',
  phases: ['output'],
  settings: QualitySettings,
  needsBlock: false,
  compile(settings) {
    const local = settings.assertions.filter((assertion) => assertion.enabled).flatMap(localAssertion)
    const asksJudge = !settings.mock_scoring && needsJudge(settings)
    const check = (view: View): Finding => {
      const answer = wholeAnswer(view)
      return answer === '' ? CLEAN : conclude(settings, localScores(settings, local, answer))
    }
    return {
      ...ANSWER_POLICY,
      kind: 'quality-scorer',
      version: '1',
      onError: settings.on_error,
      explain: explain(settings, asksJudge),
      check,
      ...(asksJudge
        ? {
            async ask(view: View, ports: Ports): Promise<Finding> {
              const answer = wholeAnswer(view)
              if (answer === '') return CLEAN
              const scores = localScores(settings, local, answer)
              // What fails already needs no judge, and a judge costs money.
              if (scores.some(({ fails }) => fails)) return conclude(settings, scores)
              return conclude(settings, [...scores, ...(await judged(settings, view, answer, ports))])
            },
          }
        : {}),
    }
  },
}

type LocalAssertion = { assertion: Assertion; passes: (answer: string) => boolean }

/** None for those that a judge decides. */
function localAssertion(assertion: Assertion): LocalAssertion[] {
  const { value = '', chars = 0, pattern = '' } = assertion.config
  const wanted = value.toLowerCase()
  const compiled = pattern === '' ? null : compilePattern(pattern, { ignoreCase: true })
  const tests: Partial<Record<Assertion['type'], (answer: string) => boolean>> = {
    'is-json': isJsonDocument,
    contains: (answer) => answer.toLowerCase().includes(wanted),
    'not-contains': (answer) => !answer.toLowerCase().includes(wanted),
    regex: (answer) => compiled?.test(answer) === true,
    'not-regex': (answer) => compiled?.test(answer) === false,
    'min-chars': (answer) => answer.length >= chars,
    'max-chars': (answer) => answer.length <= chars,
  }
  const passes = tests[assertion.type]
  return passes ? [{ assertion, passes }] : []
}

function localScores(settings: QualitySettings, local: readonly LocalAssertion[], answer: string): Score[] {
  const asScore = (name: string, passes: boolean): Score => ({ name, score: passes ? 1 : 0, weight: 0, fails: !passes })
  return [
    asScore('min_output_chars', answer.trim().length >= settings.min_output_chars),
    // A document has no sentences to count.
    asScore('min_sentences', isJsonDocument(answer) || sentencesOf(answer).length >= settings.min_sentences),
    ...local.map(({ assertion, passes }) => assertionScore(assertion, passes(answer) ? 1 : 0)),
  ]
}

const assertionScore = (assertion: Assertion, score: number): Score => ({
  name: assertion.name ?? assertion.type,
  score,
  weight: assertion.weight,
  fails: assertion.severity === 'critical' && score < assertion.threshold,
})

async function judged(settings: QualitySettings, view: View, answer: string, ports: Ports): Promise<Score[]> {
  const dimensions = dimensionsOf(settings)
  const judgedBy = settings.assertions.filter(({ enabled }) => enabled)
  const rubrics = judgedBy.filter(({ type }) => type === 'llm-rubric')
  const score = z.number().min(0).max(1)
  const shape = z.object({
    scores: z.object(Object.fromEntries(dimensions.map((dimension) => [dimension, score]))),
    rubrics: rubrics.length === 0 ? z.unknown() : z.array(score).length(rubrics.length),
  })
  const document = {
    answer: shortened(answer),
    request: shortened(requestText(view)),
    references: judgedBy.flatMap(({ config }) => config.reference ?? []),
  }
  const instructions = instructionsFor(settings, dimensions, rubrics)
  const { scores, rubrics: rubricScores } = await firstAnswer(settings, ports, instructions, document, shape)
  const asserted: Partial<Record<Dimension, Assertion['type']>> = {
    faithfulness: 'context-faithfulness',
    accuracy: 'factuality',
  }
  return [
    ...dimensions.map((dimension): Score => {
      const value = scores[dimension] ?? 0
      const fails = value < settings.thresholds[`min_${dimension}`]
      return { name: dimension, score: value, weight: settings.weights[dimension], fails }
    }),
    ...judgedBy.flatMap((assertion) => {
      const dimension = dimensions.find((each) => asserted[each] === assertion.type)
      return dimension ? [assertionScore(assertion, scores[dimension] ?? 0)] : []
    }),
    ...rubrics.map((assertion, index) =>
      assertionScore(assertion, Array.isArray(rubricScores) ? Number(rubricScores[index]) : 0),
    ),
  ]
}

/** Judges are asked one after the other, until one answers as it should. */
async function firstAnswer<Shape>(
  { providers }: QualitySettings,
  ports: Ports,
  instructions: string,
  document: unknown,
  answer: z.ZodType<Shape>,
): Promise<Shape> {
  const failures: unknown[] = []
  for (const judge of providers) {
    try {
      return await askJudge(ports, judge, { instructions, document, temperature: judge.config.temperature, answer })
    } catch (failure) {
      failures.push(failure)
    }
  }
  throw new AggregateError(failures, 'No judge answered as it should.')
}

const QUESTIONS: Readonly<Record<Dimension, string>> = {
  faithfulness: 'faithfulness: every claim of the answer follows from the material in the request',
  relevancy: 'relevancy: the answer addresses what was asked and nothing else',
  coherence: 'coherence: the answer is well ordered and does not contradict itself',
  completeness: 'completeness: the answer covers all that was asked',
  accuracy: 'accuracy: the answer agrees with the references',
}

function instructionsFor(
  { industry }: QualitySettings,
  dimensions: readonly Dimension[],
  rubrics: readonly Assertion[],
): string {
  return [
    `You judge the answer of an assistant${industry ? ` in the industry ${industry}` : ''}. Scores are numbers from 0 (not at all) to 1 (fully).`,
    ...dimensions.map((dimension) => QUESTIONS[dimension]),
    ...rubrics.map(({ config }, index) => `rubric ${index}: ${config.rubric}`),
    `Answer with {"scores": {${dimensions.map((dimension) => `"${dimension}": 0.0`).join(', ')}}, "rubrics": [${rubrics.map(() => '0.0').join(', ')}]}.`,
  ].join('\n')
}

const requestText = ({ subject }: View) =>
  subject.requestParts
    .filter(({ text }) => text !== '')
    .map(({ role, text }) => `${role}: ${text}`)
    .join('\n')

function conclude(settings: QualitySettings, scores: readonly Score[]): Finding {
  const weight = scores.reduce((sum, each) => sum + each.weight, 0)
  // Rounded, so that 0.1 + 0.2 reaches a threshold of 0.3.
  const aggregate =
    weight === 0
      ? null
      : Math.round((scores.reduce((sum, each) => sum + each.weight * each.score, 0) / weight) * 1e6) / 1e6
  const failed = scores.filter(({ fails }) => fails).map(({ name }) => name)
  const isLow = aggregate !== null && aggregate < settings.thresholds.min_aggregate
  const flags = [
    ...scores.filter((each) => each.weight > 0).map(({ name, score }) => `quality.${name}:${score.toFixed(2)}`),
    ...(aggregate === null ? [] : [`quality.aggregate:${aggregate.toFixed(2)}`]),
    ...failed.map((name) => `quality.failed:${name}`),
    ...(settings.mock_scoring ? ['quality.mock_scoring'] : []),
  ]
  if (failed.length === 0 && !isLow) return finding({ flags })
  const { action } = settings.failure_action
  if (action === 'flag')
    return finding({ reasonCode: 'quality.below_threshold', flags: [...flags, 'quality.below_threshold'] })
  return finding({
    verdict: action,
    reasonCode: 'quality.below_threshold',
    message: 'The answer did not reach the quality that is required here.',
    flags,
  })
}

const explain = (settings: QualitySettings, asksJudge: boolean) => [
  `Answers need at least ${settings.min_output_chars} characters and ${settings.min_sentences} sentences.`,
  ...settings.assertions.filter(({ enabled }) => enabled).map(({ name, type }) => `Assertion ${name ?? type}.`),
  ...(asksJudge
    ? [
        `Asks ${settings.providers.map(({ model }) => model).join(', then ')} for ${[...dimensionsOf(settings), 'rubrics'].join(', ')}; the aggregate must reach ${settings.thresholds.min_aggregate}.`,
      ]
    : []),
  ...(settings.mock_scoring ? ['mock_scoring: no judge is asked.'] : []),
  `Otherwise: ${settings.failure_action.action}.`,
]
