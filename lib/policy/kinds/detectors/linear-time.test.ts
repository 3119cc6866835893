import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { check } from 'recheck'
import { expect, test } from 'vitest'

const KINDS = join(import.meta.dirname, '..')
const OWN_KINDS = [
  'bot-detector',
  'case-privacy',
  'code-sanitizer',
  'dlp-filter',
  'hipaa-phi-detector',
  'language-validator',
  'pii-detector',
  'prompt-injection',
  'safety-filter',
  'student-privacy',
]

const LITERAL = /(?<=[=(,:?&|![]\s*|^\s*)\/(?![*/])((?:\\.|\[(?:\\.|[^\]\n\\])*\]|[^/\n\\[])+)\/([dgimsuvy]*)/gm
/** Outside of classes and escapes: a repeat without an upper bound. */
const UNBOUNDED = /[*+]|\{\d+,\}/
const literals = [
  ...readdirSync(import.meta.dirname)
    .filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts') && name !== 'injection-weights.ts')
    .map((name) => join(import.meta.dirname, name)),
  ...OWN_KINDS.map((name) => join(KINDS, `${name}.ts`)),
].flatMap((file) =>
  Array.from(readFileSync(file, 'utf8').matchAll(LITERAL), ([, source = '', flags = '']) => ({ source, flags })),
)

// A pattern whose repeats are all bounded does a bounded amount of work at each place of a text. The others are proved.
const unbounded = literals.filter(({ source }) =>
  UNBOUNDED.test(source.replace(/\\./g, '_').replace(/\[[^\]]*\]/g, '_')),
)

test('the patterns of the built-in detectors are found', () => {
  expect(literals.length).toBeGreaterThan(200)
  expect(unbounded.length).toBeGreaterThan(5)
})

// What is too large to be proved is attacked; always in the same way, and however long a busy machine takes for it.
const PATIENT = { timeout: 170_000, randomSeed: 1 }

test.each(unbounded)(
  'a pattern with an unbounded repeat takes linear time: $source',
  // An attack is timed, so that a busy machine can make a good pattern look bad; a bad one looks bad every time.
  { timeout: 180_000, retry: 3 },
  async ({ source, flags }) => {
    const { status } = await check(source, flags.replace('g', ''), PATIENT)
    expect(status).toBe('safe')
  },
)
