import { readFileSync } from 'node:fs'
import type { Role } from '@/lib/policy/engine/subject'
import { DISGUISES } from './blind-disguises'
import { type Half, halfOf, type LabelledText } from './labelled-spans'
import { seeded } from './values'

export type BlindInjection = {
  half: Half
  isAttack: boolean
  language: string
  tag: string
  disguise: string
  role: Role
  /** Several when the text is cut into parts of one message or into messages. */
  texts: readonly string[]
  isOneMessage: boolean
}

const lines = (file: string) =>
  readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('# '))

/** `\n` is a line break, `\\n` the two signs. */
const broken = (text: string) => text.replace(/\\(\\n|n)/g, (_, sign: string) => (sign === 'n' ? '\n' : sign))

/** Reads `attack en override+base64 tool | text`: label, language, tag with an optional disguise, optional role. */
export const blindInjections = (file: string): BlindInjection[] =>
  lines(file).map((line) => {
    const cut = line.indexOf(' | ')
    const [label, language = '', ...rest] = line.slice(0, cut).split(' ')
    const [tag = '', disguise = ''] = rest
      .filter((word) => word !== 'tool')
      .join(' ')
      .split('+')
    const text = broken(line.slice(cut + 3))
    const isCut = disguise === 'parts' || disguise === 'messages'
    return {
      half: halfOf(line),
      isAttack: label === 'attack',
      language,
      tag,
      disguise,
      role: rest.includes('tool') ? 'tool' : 'user',
      texts: isCut ? text.split(' || ') : [disguise === '' ? text : disguised(text, disguise)],
      isOneMessage: disguise === 'parts',
    }
  })

function disguised(text: string, how: string): string {
  const disguise = DISGUISES[how]
  if (disguise === undefined) throw new Error(`There is no disguise ${how}.`)
  return disguise(text)
}

/** Reads `Call me at [[phone:020 7946 0958]].`; `%{n*36}` becomes 36 letters and digits drawn at random. */
export const blindSpans = (file: string): LabelledText[] => lines(file).map((line) => labelled(halfOf(line), line))

/**
 * Reads `held-out de | Ruf mich unter [[phone:030 23125 417]] an.` with what is drawn as above. The half was chosen by the
 * hash of the text with its secrets in it, so it is written down.
 */
export const furtherSpans = (file: string): LabelledText[] =>
  lines(file).map((line) => {
    const cut = line.indexOf(' | ')
    return labelled(line.startsWith('held-out ') ? 'held out' : 'development', line.slice(cut + 3))
  })

function labelled(half: Half, line: string): LabelledText {
  const filled = broken(drawn(line))
  const wanted: LabelledText['wanted'][number][] = []
  let text = ''
  let from = 0
  for (const match of filled.matchAll(/\[\[([a-z_0-9]+):([\s\S]+?)\]\]/g)) {
    const [whole, rule = '', value = ''] = match
    text += filled.slice(from, match.index)
    wanted.push({ start: text.length, end: text.length + value.length, rule })
    text += value
    from = match.index + whole.length
  }
  return { half, text: text + filled.slice(from), wanted }
}

const DIGITS = '0123456789'
const LOWER = 'abcdefghijklmnopqrstuvwxyz'
const UPPER = LOWER.toUpperCase()

/** What the letter before the star stands for. Secrets are drawn, so that no scanner takes this file for a leak. */
const SIGNS: Readonly<Record<string, string>> = {
  d: DIGITS,
  h: `${DIGITS}abcdef`,
  p: LOWER + UPPER,
  u: LOWER + DIGITS,
  N: UPPER + DIGITS,
  n: LOWER + UPPER + DIGITS,
  b: `${LOWER}${UPPER}${DIGITS}+/`,
  w: `${LOWER}${UPPER}${DIGITS}-_`,
  '2': `${UPPER}234567`,
  Q: 'QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L',
}

function drawn(line: string): string {
  const random = seeded(line)
  return line.replace(/%\{(.)\*(\d+)\}/g, (whole, kind: string, count: string) => {
    const signs = SIGNS[kind]
    if (signs === undefined) throw new Error(`There are no signs ${whole}.`)
    return Array.from({ length: Number(count) }, () => signs[Math.floor(random() * signs.length)]).join('')
  })
}
