import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { Span } from '@/lib/policy/engine/policy'
import { DECOYS, seeded, VALUES } from './values'

export type Half = 'development' | 'held out'

export type LabelledText = { half: Half; text: string; wanted: readonly (Span & { rule: string })[] }

/** Each template is filled so many times, with other values; all copies stay in the half of their template. */
const COPIES = 3

/** By hash, so that no one chooses; the held-out half is not looked at while detectors are written. */
export const halfOf = (text: string): Half =>
  (createHash('sha256').update(text).digest()[0] ?? 0) % 2 === 0 ? 'development' : 'held out'

/** Reads templates such as `Call {{phone_us}} about order {{~order}}.` and fills them. */
export function labelledTexts(file: string): LabelledText[] {
  const lines = readFileSync(file, 'utf8').split('\n')
  return lines
    .filter((line) => line !== '' && !line.startsWith('#'))
    .flatMap((template) => Array.from({ length: COPIES }, (_, copy) => fill(template.replaceAll('\\n', '\n'), copy)))
}

function fill(template: string, copy: number): LabelledText {
  const random = seeded(`${template}/${copy}`)
  const wanted: (Span & { rule: string })[] = []
  let text = ''
  let from = 0
  for (const match of template.matchAll(/\{\{(~?)([a-z0-9_]+)\}\}/g)) {
    text += template.slice(from, match.index)
    const [whole, isDecoy, name = ''] = match
    const made = isDecoy ? DECOYS[name]?.(random) : VALUES[name]?.make(random)
    if (made === undefined) throw new Error(`There is no value ${whole}.`)
    if (!isDecoy) wanted.push({ start: text.length, end: text.length + made.length, rule: VALUES[name]?.rule ?? name })
    text += made
    from = match.index + whole.length
  }
  return { half: halfOf(template), text: text + template.slice(from), wanted }
}
