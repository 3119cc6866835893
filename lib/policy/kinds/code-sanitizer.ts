import { z } from 'zod'
import { compilePattern } from '@/lib/policy/engine/pattern'
import type { Detection, PolicyKind } from '@/lib/policy/engine/policy'
import { type PendingFrom, pendingEarliest, pendingTail } from '@/lib/policy/stream/pending'
import { DANGEROUS_CODE, DANGEROUS_UNITS_MAX } from './detectors/dangerous-code'
import { joinOverlaps } from './detectors/found'
import { actOn } from './mechanisms/finding'
import { onError, patterns } from './mechanisms/setting-shapes'

const Settings = z.strictObject({
  enabled: z.boolean().default(true),
  /** Stops the whole answer instead of masking the place. */
  block_on_match: z.boolean().default(false),
  /** Regular expressions, case-sensitive. */
  additional_patterns: patterns.default([]),
  on_error: onError,
})
type Settings = z.infer<typeof Settings>

const VERSION = '2026.1'
const BYTES_MAX = 16_777_216

/** Code that destroys, opens a door or runs what it has just downloaded does not come out of a model unnoticed. */
export const CODE_SANITIZER: PolicyKind<Settings> = {
  kind: 'code-sanitizer',
  version: VERSION,
  summary: 'Masks commands and code in answers that wipe disks, run downloads, open reverse shells or inject scripts.',
  phases: ['output'],
  settings: Settings,
  needsBlock: false,
  compile(settings) {
    const own = settings.additional_patterns.map((source) => compilePattern(source, { ignoreCase: false }))
    const sources: PendingFrom[] = [pendingTail({ lengthMax: DANGEROUS_UNITS_MAX })]
    for (const { lengthMax } of own) if (lengthMax !== null) sources.push(pendingTail({ lengthMax }))
    return {
      kind: 'code-sanitizer',
      version: VERSION,
      phases: this.phases,
      terms: [],
      onError: settings.on_error,
      streaming: own.some(({ lengthMax }) => lengthMax === null)
        ? 'buffered'
        : { pendingFrom: settings.enabled ? pendingEarliest(...sources) : (text) => text.length, lookBehind: 64 },
      explain: settings.enabled
        ? [
            `${settings.block_on_match ? 'Stops answers with' : 'Masks'} dangerous commands and code${own.length > 0 ? ` and ${own.length} patterns` : ''}.`,
          ]
        : ['Is switched off.'],
      bytesMax: BYTES_MAX,
      check(view) {
        const detections: Detection[] = []
        for (const { part, index } of settings.enabled ? view.readable() : []) {
          const found = DANGEROUS_CODE.flatMap(({ rule, sign, pattern }) =>
            part.text.includes(sign)
              ? Array.from(part.text.matchAll(pattern), ({ index: start, 0: code }) => ({
                  start,
                  end: start + code.length,
                  rule,
                }))
              : [],
          )
          for (const [place, pattern] of own.entries()) {
            for (const { start, end } of pattern.spans(part.text))
              found.push({ start, end, rule: `additional_patterns[${place}]` })
          }
          detections.push(...joinOverlaps(found).map((one) => ({ ...one, part: index })))
        }
        const message = 'The answer contained code that could do damage.'
        return actOn(detections, {
          action: settings.block_on_match ? 'block' : 'redact',
          reasonCode: 'code.dangerous',
          message,
        })
      },
    }
  },
}
