import { z } from 'zod'
import { compilePattern } from '@/lib/policy/engine/pattern'
import { CLEAN, type PolicyKind, type Redaction, type Span } from '@/lib/policy/engine/policy'
import { answerTexts, firstTexts, isJsonDocument, lastTexts } from './mechanisms/answer-edits'
import { finding } from './mechanisms/finding'
import { ANSWER_POLICY } from './mechanisms/regulated-answer'
import { onError, pattern } from './mechanisms/setting-shapes'

const Rule = z
  .strictObject({
    name: z.string().trim().min(1).max(100),
    /** What is replaced, or, for `prepend` and `append`, what an answer must contain for the rule to apply. */
    pattern: pattern.optional(),
    /** Written as it stands; there are no group references. */
    replacement: z.string().max(4_000),
    position: z.enum(['replace', 'prepend', 'append']).default('replace'),
  })
  .refine((rule) => rule.position !== 'replace' || rule.pattern !== undefined, {
    path: ['pattern'],
    message: 'is needed to replace something',
  })

const Settings = z.strictObject({
  /** Leaves code blocks as they are and answers that are JSON documents whole. */
  preserve_structure: z.boolean().default(true),
  rules: z.array(Rule).min(1).max(100),
  on_error: onError,
})

/** Rewrites answers by rules. */
export const RESPONSE_REWRITER: PolicyKind<z.infer<typeof Settings>> = {
  kind: 'response-rewriter',
  version: '1',
  summary: 'Replaces, prepends and appends text in answers by rules.',
  phases: ['output'],
  settings: Settings,
  needsBlock: true,
  compile(settings) {
    const rules = settings.rules.map((rule) => ({
      ...rule,
      compiled: rule.pattern === undefined ? null : compilePattern(rule.pattern, { ignoreCase: true }),
    }))
    return {
      ...ANSWER_POLICY,
      kind: 'response-rewriter',
      version: '1',
      onError: settings.on_error,
      explain: [
        ...rules.map(({ name, position }) => `Rule ${name}: ${position}.`),
        ...(settings.preserve_structure ? ['Code blocks and JSON answers stay as they are.'] : []),
      ],
      check(view) {
        const redactions: Redaction[] = []
        const flags: string[] = []
        const isKept = (text: string) => settings.preserve_structure && isJsonDocument(text)
        for (const { name, compiled, replacement, position } of rules) {
          const before = redactions.length
          const places =
            position === 'prepend' ? firstTexts(view) : position === 'append' ? lastTexts(view) : answerTexts(view)
          for (const { part, index } of places) {
            if (isKept(part.text)) continue
            if (position === 'replace') {
              const code = settings.preserve_structure ? codeBlocks(part.text) : []
              const spans = (compiled?.spans(part.text) ?? []).filter(
                (span) => !code.some((block) => overlaps(block, span)),
              )
              redactions.push(...spans.map(({ start, end }) => ({ part: index, start, end, replacement })))
            } else if (!compiled || compiled.test(part.text)) {
              const at = position === 'prepend' ? 0 : part.text.length
              if (!isThere(part.text, replacement, position))
                redactions.push({ part: index, start: at, end: at, replacement })
            }
          }
          if (redactions.length > before) flags.push(`response.rewritten:${name}`)
        }
        return redactions.length === 0 ? CLEAN : finding({ redactions, flags })
      },
    }
  },
}

/** An answer that went through twice, such as one from a cache, is not added to twice. */
const isThere = (text: string, addition: string, position: 'prepend' | 'append') =>
  position === 'prepend' ? text.startsWith(addition) : text.endsWith(addition)

const overlaps = (a: Span, b: Span) => a.start < b.end && b.start < a.end

/** Fenced blocks; one that is never closed reaches to the end. */
function codeBlocks(text: string): Span[] {
  const blocks: Span[] = []
  for (let start = text.indexOf('```'); start !== -1; ) {
    const close = text.indexOf('```', start + 3)
    const end = close === -1 ? text.length : close + 3
    blocks.push({ start, end })
    start = text.indexOf('```', end)
  }
  return blocks
}
