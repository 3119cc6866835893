import type { NormalText, Span } from '@/lib/policy/engine/policy'
import { factsOf, type PlainText, type TextFacts } from '@/lib/policy/engine/text-facts'

/** Where the ten digits of a script begin. */
const ZEROS = [
  0x660, 0x6f0, 0x7c0, 0x966, 0x9e6, 0xa66, 0xae6, 0xb66, 0xbe6, 0xc66, 0xce6, 0xd66, 0xe50, 0xed0, 0xf20, 0x1040,
  0x17e0, 0x1810,
]
/** Raised, lowered and circled ones; each stands at the place of its digit. */
const WRITTEN_DIGITS = ['⁰₀⓪', '¹₁①', '²₂②', '³₃③', '⁴₄④', '⁵₅⑤', '⁶₆⑥', '⁷₇⑦', '⁸₈⑧', '⁹₉⑨']
const DIGITS: ReadonlyMap<string, string> = new Map(
  WRITTEN_DIGITS.flatMap((signs, digit) => [
    ...[...signs].map((sign): [string, string] => [sign, String(digit)]),
    ...ZEROS.map((zero): [string, string] => [String.fromCharCode(zero + digit), String(digit)]),
  ]),
)
const OTHER_DIGITS = [...DIGITS.keys()].join('')

/** Full-width forms, digits of other scripts and unusual blanks: one unit each, so they are replaced in place. */
const FOREIGN = new RegExp(`[${OTHER_DIGITS}\\uff01-\\uff5e\\u00a0\\u2000-\\u200a\\u202f\\u3000\\u2010-\\u2012]`, 'g')
/** Drawn as nothing or upon what stands before it, but enough to hide a number from a pattern. */
const UNSEEN =
  '\\x00-\\x08\\x0b\\x0c\\x0e-\\x1f\\x7f-\\x9f\\u00ad\\u0300-\\u036f\\u061c\\u115f\\u1160\\u17b4\\u17b5\\u180b-\\u180f' +
  '\\u200b-\\u200f\\u202a-\\u202e\\u2060-\\u206f\\u20d0-\\u20f0\\u3164\\ufe00-\\ufe0f\\ufe20-\\ufe2f\\ufeff\\uffa0\\ufff9-\\ufffb'
/** The last are signs beyond the basic plane, in two halves. */
const INVISIBLE = new RegExp(`[${UNSEEN}]|\\udb40[\\udc00-\\udfff]`)

const HAS_FOREIGN = new RegExp(`[${UNSEEN}${OTHER_DIGITS}\\u00a0\\u2000-\\u2012\\u202f\\u3000\\uff01-\\uff5e]|\\udb40`)

/**
 * A text as detectors of numbers and codes read it: ASCII digits, signs and blanks, nothing invisible. Unlike the normal
 * text of policies it keeps upper case and scripts, which tell names and codes apart.
 */
export function plainForm(text: string): NormalText {
  if (!HAS_FOREIGN.test(text)) return { text, origin: SAME_PLACE }
  const replaced = text.replace(FOREIGN, asciiOf)
  if (!INVISIBLE.test(replaced)) return { text: replaced, origin: SAME_PLACE }
  const kept: number[] = []
  let plain = ''
  for (let index = 0; index < replaced.length; index++) {
    const character = replaced.charAt(index)
    if (character === '\udb40' && INVISIBLE.test(replaced.slice(index, index + 2))) index++
    else if (!INVISIBLE.test(character)) {
      plain += character
      kept.push(index)
    }
  }
  return {
    text: plain,
    origin: (start, end) => ({
      start: kept[start] ?? text.length,
      end: end > start ? (kept[end - 1] ?? text.length) + 1 : (kept[start] ?? text.length),
    }),
  }
}

const SAME_PLACE = (start: number, end: number): Span => ({ start, end })

/** The plain form of a text that several policies may ask for. */
export function plainOf(text: string, facts: TextFacts): PlainText {
  facts.plain ??= facts.isPlain ? { text, origin: SAME_PLACE, digitRuns: facts.digitRuns } : withRuns(plainForm(text))
  return facts.plain
}

const withRuns = ({ text, origin }: NormalText): PlainText => ({ text, origin, digitRuns: factsOf(text).digitRuns })

function asciiOf(character: string): string {
  const code = character.charCodeAt(0)
  if (code >= 0xff01 && code <= 0xff5e) return String.fromCharCode(code - 0xfee0)
  const digit = DIGITS.get(character)
  if (digit !== undefined) return digit
  return code >= 0x2010 && code <= 0x2012 ? '-' : ' '
}
