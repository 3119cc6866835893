// Microseconds per decision. Bundle it with esbuild (`--bundle --platform=node --format=esm`) and run it with node.
import { chainOf } from '@/lib/policy/engine/chain'
import { decidePhase } from '@/lib/policy/engine/decide'
import { compilePattern } from '@/lib/policy/engine/pattern'
import { CLEAN } from '@/lib/policy/engine/policy'
import { policyOf, subjectOf } from '@/lib/policy/engine/testing'
import { walkChatRequest } from '@/lib/policy/walk/openai-chat'

const PROSE = `The quarterly report shows that revenue increased in the northern region, while costs stayed flat.
Please summarise table 12 for the board, keep it under 200 words and say which numbers changed since March. `
const prompt = PROSE.repeat(12).slice(0, 2_048)
const german = 'Bitte fasse den Bericht für den Vorstand zusammen; größere Änderungen zuerst. '
  .repeat(30)
  .slice(0, 2_048)

const termPolicy = (kind: string, count: number) =>
  policyOf(
    kind,
    (view) => {
      for (const { index } of view.readable()) if (view.hits(index).length > 0) return { verdict: 'block' }
      return CLEAN
    },
    {
      terms: Array.from({ length: count }, (_, i) => ({ text: `${kind} phrase number ${i * 7_919}`, wholeWord: true })),
    },
  )

const patternPolicy = (kind: string, sources: readonly string[]) => {
  const patterns = sources.map((source) => compilePattern(source, { ignoreCase: true }))
  return policyOf(kind, (view) => {
    for (const { part } of view.readable()) for (const pattern of patterns) pattern.spans(part.text)
    return CLEAN
  })
}

const chain = chainOf([
  termPolicy('injection', 300),
  termPolicy('safety', 500),
  termPolicy('dual use', 200),
  patternPolicy('dlp', ['\\bproject-[a-z]+-\\d{4}\\b', 'internal only', '\\b[A-Z]{2}\\d{6}\\b']),
  patternPolicy('pii', ['\\b\\d{3}-\\d{2}-\\d{4}\\b', '[a-z0-9._%+-]{1,64}@[a-z0-9.-]{1,255}\\.[a-z]{2,24}']),
  policyOf('rbac', () => CLEAN),
])

const termsOnly = chainOf([termPolicy('injection', 300)])

function measure(name: string, run: () => void): void {
  for (let i = 0; i < 3_000; i++) run()
  const rounds = 5_000
  const startedMs = performance.now()
  for (let i = 0; i < rounds; i++) run()
  console.log(name.padEnd(44), (((performance.now() - startedMs) * 1_000) / rounds).toFixed(1), 'us')
}

const subject = subjectOf([prompt])
const body = {
  model: 'm',
  messages: [
    { role: 'system', content: 'Be brief.' },
    { role: 'user', content: prompt },
  ],
}
measure('decide, 6 policies, 2 KB of ASCII', () => decidePhase(chain, subject, 0))
measure('decide, 6 policies, 2 KB of German', () => decidePhase(chain, subjectOf([german]), 0))
measure('decide, terms only', () => decidePhase(termsOnly, subject, 0))
measure('walk', () => walkChatRequest(body))

const startedMs = performance.now()
chainOf([termPolicy('entities', 10_000)])
console.log('building 10,000 terms'.padEnd(44), (performance.now() - startedMs).toFixed(0), 'ms')
