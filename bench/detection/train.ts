import { globSync, readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { writeWeights } from '@/lib/policy/kinds/detectors/feature-weights'
import { blindInjections } from './blind-cases'
import { runsOf } from './injection-samples'
import { labelledCases } from './labelled-verdicts'
import { rounded, type Sample, type Training, trained } from './train-model'
import { seeded } from './values'

const CASES = 'bench/detection/cases'
const LEARNED = 'lib/policy/kinds/detectors/injection-weights.ts'

const TRAINING: Training = { textsMin: 3, rounds: 3, epochs: 20, rate: 0.05, decay: 0.003 }
const WEIGHTS = { least: 0.1, most: 0.7 }

/** Paragraphs of the manuals in `node_modules`, which the lockfile pins: plain prose that no one wrote for this. */
const MANUALS = 6_000
const MANUAL_WEIGHT = 0.3

/**
 * Learns the weights of `suspicionOf` from the training sets and the development halves of the others, and writes them into
 * the source. Held-out halves and the sets of strangers are not read.
 */
export async function trainInjections(): Promise<string> {
  const labelled = [...trainingTexts(), ...developmentTexts()]
  const manuals = manualParagraphs()
  const samples: Sample[] = [
    ...labelled.map(({ text, isAttack }) => ({ runs: runsOf(text), isAttack, weight: 1 })),
    ...manuals.map((text) => ({ runs: runsOf(text), isAttack: false, weight: MANUAL_WEIGHT })),
  ]
  const model = trained(samples, TRAINING)
  const { weights, scale } = rounded(model, WEIGHTS)
  await writeFile(
    LEARNED,
    `// Written by \`npm run bench -- train\`; see docs/detection.md.
/** Log odds of a text without any feature, and of one unit of a weight. */
export const BIAS = ${model.bias.toFixed(4)}
export const SCALE = ${scale.toFixed(6)}
/** As \`writeWeights\` makes them. */
export const WEIGHTS = \`
${writeWeights(weights).replace(/.{120}/g, '$&\n')}
\`
`,
  )
  const attacks = labelled.filter(({ isAttack }) => isAttack).length
  return [
    '# Training',
    '',
    `${attacks} attacks, ${labelled.length - attacks} harmless texts and ${manuals.length} paragraphs of manuals; ${weights.size} weights, written to ${LEARNED}.`,
  ].join('\n')
}

type Labelled = { text: string; isAttack: boolean }

const trainingTexts = (): Labelled[] =>
  globSync(`${CASES}/training-*.jsonl`)
    .sort()
    .flatMap((file) => labelledCases(file))
    .filter(({ tag }) => isOpen(tag))

function developmentTexts(): Labelled[] {
  const written = ['prompt-injection', 'further-injections'].flatMap((file) => labelledCases(`${CASES}/${file}.jsonl`))
  const blind = blindInjections(`${CASES}/blind-injections.txt`)
  return [
    ...written.filter(({ half, tag }) => half === 'development' && isOpen(tag)),
    ...blind.flatMap(({ half, disguise, texts, isAttack }) =>
      half === 'development' && ['', 'parts', 'messages'].includes(disguise)
        ? [{ isAttack, text: texts.join('\n') }]
        : [],
    ),
  ]
}

/** Neither disguised nor a copy of another text inside a longer one. */
const isOpen = (tag: string) => !/\+(?!document|json|comment|upper)| in context$/.test(tag)

function manualParagraphs(): string[] {
  const known = new Set<string>()
  for (const file of globSync('node_modules/{*,@*/*}/README.md').sort()) {
    for (const paragraph of readFileSync(file, 'utf8').split(/\n\s*\n/)) {
      const text = paragraph.trim()
      if (text.length > 60 && text.length < 2_500 && !/injection|jailbreak/i.test(text)) known.add(text)
    }
  }
  return [...known]
    .map((text) => ({ text, place: seeded(text)() }))
    .sort((a, b) => a.place - b.place)
    .slice(0, MANUALS)
    .map(({ text }) => text)
}
