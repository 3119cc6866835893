// Microseconds of processor time per decision. Bundle it with esbuild (`--bundle --platform=node --format=esm`) and run it
// with node; arguments are parts of names: `node engine.mjs starter "alone: pii"`.
import { chainOf, compileChain } from '@/lib/policy/engine/chain'
import { decidePhase } from '@/lib/policy/engine/decide'
import { CLEAN } from '@/lib/policy/engine/policy'
import { policyOf, subjectOf } from '@/lib/policy/engine/testing'
import { POLICY_KINDS } from '@/lib/policy/kinds/all'
import { maskJson } from '@/lib/policy/mask'
import { walkChatRequest } from '@/lib/policy/walk/openai-chat'
import { benchTexts } from './engine-texts'

const STARTER = ['prompt-injection', 'pii-detector', 'dlp-filter']
const HEAVY = [
  ...STARTER,
  'safety-filter',
  'hipaa-phi-detector',
  'language-validator',
  'legal-privilege',
  'case-privacy',
  'student-privacy',
  'itar-ear-filter',
  'dual-use-filter',
  'mnpi-filter',
]
const ROUND_MS = 60
const ROUNDS = 5

const wanted = process.argv.slice(2)

const chainOfKinds = (names: readonly string[]) =>
  compileChain(
    POLICY_KINDS.filter(({ kind }) => names.includes(kind)).map((kind) => ({
      kind,
      settings: kind.settings.parse({}),
    })),
    { hasSecret: () => false },
    { clock: () => performance.now() },
  )

/** Best of some rounds: what else the machine does can only add. */
function microsPer(run: () => void): number {
  let best = Number.POSITIVE_INFINITY
  for (let round = 0; round < ROUNDS; round++) {
    let times = 0
    const startedAt = performance.now()
    const before = process.cpuUsage()
    while (performance.now() - startedAt < ROUND_MS) {
      for (let i = 0; i < 8; i++) run()
      times += 8
    }
    const { user, system } = process.cpuUsage(before)
    best = Math.min(best, (user + system) / times)
  }
  return best
}

const LENGTHS = [200, 2_048, 20_480]

function row(name: string, run: (text: string) => void, lengths: readonly number[]): void {
  if (wanted.length > 0 && !wanted.some((part) => name.includes(part))) return
  const cells = lengths.flatMap((length) =>
    benchTexts(length).map(([, text]) =>
      microsPer(() => run(text))
        .toFixed(1)
        .padStart(8),
    ),
  )
  console.log(name.padEnd(32), cells.join(' '))
}

const decideWith = (names: readonly string[]) => {
  const chain = chainOfKinds(names)
  return (text: string) => void decidePhase(chain, subjectOf([text]), 0)
}

const heads = LENGTHS.flatMap((length) =>
  benchTexts(length).map(([name]) => `${name.slice(0, 5)}${length}`.padStart(8)),
)
console.log(''.padEnd(32), heads.join(' '))
row('starter', decideWith(STARTER), LENGTHS)
row('heavy', decideWith(HEAVY), LENGTHS)
const nothing = chainOf([policyOf('nothing', (view) => (view.readable().length > 0 ? CLEAN : {}))])
row('empty policy', (text) => void decidePhase(nothing, subjectOf([text]), 0), LENGTHS)
row('walk', (text) => void walkChatRequest({ model: 'm', messages: [{ role: 'user', content: text }] }), LENGTHS)
// What a record costs beside it with `payload_capture: redacted`, once for the request and once for the answer.
const asked = (content: string) => JSON.stringify({ model: 'm', messages: [{ role: 'user', content }] })
row('mask, from text to bytes', (text) => void Buffer.from(JSON.stringify(maskJson(JSON.parse(asked(text))))), LENGTHS)
for (const kind of POLICY_KINDS) {
  if (!kind.phases.includes('input') || !kind.settings.safeParse({}).success) continue
  row(`alone: ${kind.kind}`, decideWith([kind.kind]), LENGTHS)
}

const startedMs = performance.now()
const terms = Array.from({ length: 10_000 }, (_, i) => ({ text: `entity number ${i * 7_919}`, wholeWord: true }))
chainOf([policyOf('entities', () => CLEAN, { terms })])
console.log('building 10,000 terms'.padEnd(32), (performance.now() - startedMs).toFixed(0), 'ms')
