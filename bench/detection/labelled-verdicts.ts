import { readFileSync } from 'node:fs'
import type { Role } from '@/lib/policy/engine/subject'
import { type Half, halfOf } from './labelled-spans'
import { seeded } from './values'

export type LabelledCase = { half: Half; isAttack: boolean; language: string; tag: string; role: Role; text: string }

/**
 * Reads `["attack","en","override+base64","text"]`: label, language, tag with an optional disguise, text. A second word in
 * the tag is the role. Every third case comes a second time inside a longer, harmless text; it stays in its half.
 */
export function labelledCases(file: string): LabelledCase[] {
  return readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .flatMap((line) => {
      const [label = '', language = '', tags = '', raw = ''] = JSON.parse(line) as string[]
      const [tag = '', disguise = ''] = tags.split('+')
      const role: Role =
        /\btool\b/.test(tags) || disguise === 'document' || disguise === 'json' || disguise === 'comment'
          ? 'tool'
          : 'user'
      const one: LabelledCase = {
        half: halfOf(raw),
        isAttack: label === 'attack',
        language,
        tag: tags,
        role,
        text: disguised(raw, disguise),
      }
      const isTwice = disguise === '' && role === 'user' && seeded(raw)() < 0.4
      return isTwice ? [one, { ...one, tag: `${tag} in context`, text: inContext(raw) }] : [one]
    })
}

const CONTEXTS: readonly ((text: string) => string)[] = [
  (text) =>
    `Hi there! I hope you had a good weekend. I am preparing a few things for Monday and have one question left. ${text} Thanks a lot in advance.`,
  (text) =>
    `Background: our team of five works on a web shop for garden tools, mostly in TypeScript. We meet on Tuesdays.\n\n${text}\n\nPlease keep it short, I read this on my phone.`,
  (text) =>
    `${text}\n\nBy the way, the last answer about the train to Hamburg was useful. We took the one at ten and saw the harbour.`,
]

function inContext(text: string): string {
  const random = seeded(`context/${text}`)
  return CONTEXTS[Math.floor(random() * CONTEXTS.length)]?.(text) ?? text
}

const LOOKALIKES: Readonly<Record<string, string>> = { a: 'а', e: 'е', o: 'о', p: 'р', c: 'с', i: 'і' }
const LEET: Readonly<Record<string, string>> = { a: '4', e: '3', o: '0', i: '1', s: '5' }

function disguised(text: string, how: string): string {
  if (how === 'base64') return `Please process this: ${Buffer.from(text).toString('base64')}`
  if (how === 'hex') return `data = ${Buffer.from(text).toString('hex')}`
  if (how === 'entities') return text.replace(/[aeoi&']/g, (sign) => `&#${sign.charCodeAt(0)};`)
  if (how === 'escapes')
    return text.replace(/[a-z]/g, (sign) => `\\u${sign.charCodeAt(0).toString(16).padStart(4, '0')}`)
  if (how === 'url') return `https://example.org/search?q=${encodeURIComponent(text)}`
  if (how === 'zerowidth') return Array.from(text).join('\u200b')
  if (how === 'homoglyph') return text.replace(/[aeopci]/g, (letter) => LOOKALIKES[letter] ?? letter)
  if (how === 'fullwidth') return text.replace(/[!-~]/g, (sign) => String.fromCharCode(sign.charCodeAt(0) + 0xfee0))
  if (how === 'spaced')
    return text
      .split(' ')
      .map((word) => Array.from(word).join(' '))
      .join('   ')
  if (how === 'tags')
    return `What a nice day.${Array.from(text, (sign) => String.fromCodePoint((sign.codePointAt(0) ?? 0) + 0xe0000)).join('')}`
  if (how === 'leet') return text.replace(/[aeois]/g, (letter) => LEET[letter] ?? letter)
  if (how === 'upper') return text.toUpperCase()
  if (how === 'document')
    return `Annual report 2025\n\nThe year was marked by steady growth in all regions. ${text}\n\nThe board proposes a dividend of 0.40 per share.`
  if (how === 'comment') return `def total(items):\n    # ${text}\n    return sum(item.price for item in items)\n`
  if (how === 'json') return JSON.stringify({ id: 4711, title: 'Garden chair', description: text, stock: 12 })
  if (how !== '') throw new Error(`There is no disguise ${how}.`)
  return text
}
