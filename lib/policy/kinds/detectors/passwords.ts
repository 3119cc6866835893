import type { Found } from './found'
import { isRandom } from './randomness'
import { isPassword, isUnmistakable } from './secret-names'

export const VALUE = /[^\s"'`<>\u201c-\u201e\u00ab\u00bb\u300c-\u300f\u3001\u3002\uff0c]{6,512}/y

/** `DB_PASSWORD = "..."`, `<password>...`, `name="password" value="..."`, `password is now ...`. */
const BETWEEN =
  /[A-Za-z0-9_-]{0,24}\\?["'\]]?[ \t]{0,3}(?:=>|:=|==?|:|：|＝|->|→|>(?![ \t])|value=| – | — | - | is(?: now)?:? | to:? | lautet:? | ist:? | est:? | es:? | was:? | é:? | è:? | är:? | là:? | to jest:? | adalah:? |は|은|는|是|为|為|改成|改为)[ \t]{0,3}\\?["'`\u201c-\u201e\u00ab\u300c\u300e]?/y
const SIGN = /\\?["'\]]?[ \t]{0,3}(?:=>|:=|==?|:|：|＝)[ \t]{0,3}\\?["'\u201c-\u201e]?/y
/** `PASSWORD 'abc'` of a query, `pass "abc"` of somebody who tells it. */
const QUOTED = /[A-Za-z0-9_]{0,24}[ \t]{1,3}["'\u201c-\u201e\u00ab\u300c]/y
/** `--password abc`, `login me password abc`. */
const OPTION = /[ \t]{1,3}/y
const BEFORE_OPTION = /(?:^|\s)(?:--?[A-Za-z-]{0,20}|login \S{1,64}\s{1,4})$/
const BEFORE_OPTION_UNITS = 90

/** Between a name and what it is said to be: `contraseña de la impresora es `, `Kennwort für die Wohnung: `. */
export const SAID =
  /[\p{L}\p{M}]{0,8}(?: (?:[\p{L}\p{M}'’()@_-]|\.(?! )){1,20}){0,6}?(?: ?(?::|：|=|→|->|–|—)| (?:is|was|be|to|now|ist|war|lautet|est|était|es|era|é|è|är|var|jest|adalah|là|это|такой|है))[ :]{1,3}["'`\u201c-\u201e\u00ab\u300c]?(?=\S{0,40}\d)/uy
/** Of words with other meanings: "you can pass to Worker2" says nothing. */
const SAID_OF_WORD =
  /(?: (?:[\p{L}\p{M}'’()@_-]|\.(?! )){1,20}){0,6}? (?:is|was|be|now|ist|war|lautet|est|était|es|era|é|è|är|var|jest)[ :]{1,3}["'`\u201c-\u201e\u00ab\u300c]?(?=\S{0,40}\d)/uy
/** What is said there is about passwords and keys, and none of them. */
export const SAID_OF_IT =
  /manager|polic|length|hash|field|column|rule|hint|require|format|public|commit|cache|digest|checksum|expire|minim|richtlinie|länge|política|longueur/i

/** `hasło abc`, `şifresi abc`: what stands there must look like nothing else. */
const BLANK = /[\p{L}\p{M}]{0,8}[ \t]{1,3}["'`\u201c-\u201e\u00ab\u300c]?(?=\S{0,40}\d)/uy
const ALONE_UNITS_MIN = 10

/** Digits among letters of both cases, or a long run of both, as no word, name or version has them. */
export const isUnlikeWords = (value: string): boolean =>
  value.length >= ALONE_UNITS_MIN &&
  /\d[A-Za-z_-]{0,40}\d/.test(value) &&
  /[a-z]/.test(value) &&
  (/[A-Z]/.test(value) || value.length >= 32) &&
  isRandom(value)

/**
 * The password behind a name of passwords that stands from `at` to `end`.
 *
 * @param isShort the name is a word like `pass`, that means other things too
 */
export function passwordAt(text: string, at: number, end: number, isShort: boolean): Found | null {
  const tied = valueAt(text, end, isShort ? SIGN : BETWEEN, isShort ? isPasswordOfWord : isPassword)
  if (tied) return tied
  const quoted = valueAt(text, end, QUOTED, isShort ? isUnmistakable : isPassword)
  if (quoted) return quoted
  if (BEFORE_OPTION.test(text.slice(Math.max(0, at - BEFORE_OPTION_UNITS), at))) {
    const found = valueAt(text, end, OPTION, isShort ? isUnmistakable : isPassword)
    if (found) return found
  }
  if (isShort) return valueAt(text, end, SAID_OF_WORD, isUnmistakable)
  return valueAt(text, end, SAID, isSaid) ?? valueAt(text, end, BLANK, isAlone)
}

/** A word and some digits, as people choose it. */
const isSaid = (value: string) => isUnmistakable(value) || (isPassword(value) && /^\p{L}{4,20}\d{2,8}$/u.test(value))
/** What passed a test has such a name. */
const NAME_OF_TEST = /^(?:test|\d+$|[a-z][a-z0-9]*(?:[._/-][a-z0-9]+)+$)/i
const isPasswordOfWord = (value: string) => isPassword(value) && !NAME_OF_TEST.test(value)
const isAlone = (value: string) =>
  isPassword(value) && (isUnlikeWords(value) || (isUnmistakable(value) && OF_ALL_KINDS.test(value)))

const OF_ALL_KINDS = /^(?=.*[a-z])(?=.*[A-Z])(?=.*\d)(?=.*[!@#$%^&*?~+=])/

/** The end of a sentence, of a list or of a link. */
const BEHIND = /(?:[,;].{0,512}|&[A-Za-z_]{1,30}=.{0,512}|[.)\]}]{1,8}|\\)$/
/** In scripts without blanks the sentence goes on right behind it. */
const OTHER_SCRIPT = /[\u0900-\u0dff\u0e00-\u0eff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]/
const ASCII = /^[\x21-\x7e]{4,512}$/

function withoutOtherScript(value: string): string {
  const ascii = value.slice(0, Math.max(0, value.search(OTHER_SCRIPT)))
  return ASCII.test(ascii) ? ascii : value
}

function valueAt(text: string, end: number, pattern: RegExp, isWanted: (value: string) => boolean): Found | null {
  const between = read(pattern, text, end)?.[0]
  if (between === undefined || ((pattern === SAID || pattern === SAID_OF_WORD) && SAID_OF_IT.test(between))) return null
  const start = end + between.length
  const value = withoutOtherScript(read(VALUE, text, start)?.[0] ?? '').replace(BEHIND, '')
  return isWanted(value) ? { start, end: start + value.length, rule: 'password' } : null
}

/** `login for it is admin / abc`. */
const PAIR =
  /[\p{L}\p{M}]{0,10}(?: [\p{L}\p{M}'’()-]{1,20}){0,6}?(?: ?[:：=]| (?:is|are|ist|sind|lautet|lauten|est|sont|es|son|è|sono|é|são|to|är|zijn))[ \t]{1,3}["'\u201c-\u201e]?[\w.@+-]{2,64}["'\u201c-\u201e]?(?: ?[/:|,] ?| (?:and|und|et|y|e|en|i|och|mit|with) )["'\u201c-\u201e]?/uy

export const pairAt = (text: string, end: number): Found | null => valueAt(text, end, PAIR, isSecondOfPair)
/** `Version2` is what follows a slash more often. */
const isSecondOfPair = (value: string) => isUnmistakable(value) && !/^\p{Lu}\p{Ll}+\d{1,2}$/u.test(value)

/** Words in a row, as people choose them to remember or wallets draw them. */
const PHRASE =
  /[^\n.;"\u201c-\u201e]{0,60}?[:=]?[ \t]{0,3}["\u201c\u201e]([a-z]{3,10}(?:[ -][a-z]{3,10}){3,23})["\u201c\u201d]|[^\n.;]{0,40}?[:=][ \t]{0,3}([a-z]{3,10}(?:-[a-z]{3,10}){3,7}|[a-z]{3,8}(?: [a-z]{3,8}){11,23})(?![\p{L}\p{N}])/uy

export function phraseAt(text: string, end: number): Found | null {
  const match = read(PHRASE, text, end)
  const phrase = match?.[1] ?? match?.[2]
  if (!match || phrase === undefined) return null
  const start = end + match[0].lastIndexOf(phrase)
  return { start, end: start + phrase.length, rule: 'password' }
}

function read(pattern: RegExp, text: string, at: number): RegExpExecArray | null {
  pattern.lastIndex = at
  return pattern.exec(text)
}
