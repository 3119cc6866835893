import { globSync, readFileSync, statSync } from 'node:fs'
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
const WEIGHTS = { least: 0.12, most: 0.7 }

/** Paragraphs of manuals, licences and declarations in `node_modules`, which the lockfile pins: nobody wrote them for this. */
const MANUALS = 30_000
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

const MANUAL_FILES = ['node_modules/**/*.md', 'node_modules/**/LICENSE*', 'node_modules/*/{lib,dist,src,types}/*.d.ts']
const DECLARATION_LINES = /(?:.*\n){1,30}/g

function manualParagraphs(): string[] {
  const known = new Set<string>()
  for (const file of globSync(MANUAL_FILES).sort()) {
    if (!statSync(file).isFile()) continue
    const text = readFileSync(file, 'utf8')
    const paragraphs = file.endsWith('.d.ts')
      ? (text.match(DECLARATION_LINES) ?? []).slice(0, 20)
      : text.split(/\n\s*\n/)
    for (const paragraph of paragraphs) {
      const said = paragraph.trim()
      if (said.length >= 40 && said.length <= 6_000 && !/injection|jailbreak/i.test(said)) known.add(said)
    }
  }
  return [...known]
    .map((text) => ({ text, place: seeded(text)() }))
    .sort((a, b) => a.place - b.place)
    .slice(0, MANUALS)
    .map(({ text }) => text)
}
