import type { Span } from '@/lib/policy/engine/policy'
import type { NumberGroups } from './number-groups'

/** First three letters of month names in European languages, as they are written after a day. */
const MONTHS =
  /^(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec|mär|mai|okt|dez|fév|fev|avr|jui|aoû|aou|déc|ene|abr|ago|dic|set|out|gen|mag|giu|lug|ott|mrt|mei|sty|lut|kwi|maj|cze|lip|sie|wrz|paź|lis|gru|agu|des|oca|şub|nis|haz|tem|ağu|eyl|eki|kas|ara|янв|фев|мар|апр|мая|июн|июл|авг|сен|окт|ноя|дек|जन|फर|मार्च|अप्रै|मई|जून|जुला|अग|सित|अक्|नव|दिस)/

export const isMonthName = (word: string): boolean => word.length <= 12 && MONTHS.test(word.toLowerCase())

const DAY_FIRST =
  /(?:(?:st|nd|rd|th|º|er|\.)?,? (?:of |de |d')?([\p{L}\p{M}]{2,12})\.?,? (?:de |of )?|[-/]([A-Za-z]{3,9})[-/])(\d{4})(?!\d)/uy
/** What `DAY_FIRST` begins with. */
const BEHIND_DAY: ReadonlySet<number> = new Set(Array.from('snrtºe., -/', (sign) => sign.charCodeAt(0)))
const CJK = /[年년] ?\d{1,2} ?[月월] ?\d{1,2} ?[日일]/y
/** Years of Japan are counted from the beginning of a reign. */
const REIGN = /(?:明治|大正|昭和|平成|令和) ?$/
const MONTH_BEFORE = /([\p{L}]{3,9})\.? $/u
const YEAR_AFTER = /(?:st|nd|rd|th)?,? (\d{4})(?!\d)/y

/** A calendar date whose first number is this; null when it is none. A time of day is not looked at. */
export function dateAt(text: string, { start, groups, separators, ends }: NumberGroups): Span | null {
  const [a = '', b = '', c = ''] = groups
  const after = ends[0] ?? start
  if (a.length <= 2 && isDay(a)) {
    const named = BEHIND_DAY.has(text.charCodeAt(after)) ? match(DAY_FIRST, text, after) : null
    if (named && isMonthName(named[1] ?? named[2] ?? '') && isYear(named[3] ?? ''))
      return { start, end: after + named[0].length }
    const month = text[start - 1] === ' ' ? MONTH_BEFORE.exec(text.slice(Math.max(0, start - 12), start)) : null
    const year = month && isMonthName(month[1] ?? '') ? match(YEAR_AFTER, text, after) : null
    if (month && year && isYear(year[1] ?? '')) return { start: start - month[0].length, end: after + year[0].length }
  }
  const reign = a.length <= 2 && text[after] === '年' ? REIGN.exec(text.slice(Math.max(0, start - 3), start)) : null
  if (reign) {
    const cjk = match(CJK, text, after)
    if (cjk) return { start: start - reign[0].length, end: after + cjk[0].length }
  }
  if (isYear(a)) {
    const cjk = match(CJK, text, after)
    if (cjk) return { start, end: after + cjk[0].length }
  }
  const separator = separators[1]?.trim() ?? ''
  if (!/^[-./]$/.test(separator) || separators[2]?.trim() !== separator) return null
  const isYearFirst = isYear(a) && isDay(b) && isDay(c)
  const isYearLast = isDay(a) && isDay(b) && (Number(a) <= 12 || Number(b) <= 12) && (isYear(c) || c.length === 2)
  return isYearFirst || isYearLast ? { start, end: ends[2] ?? start } : null
}

const isDay = (digits: string) =>
  digits.length === 2 ? digits >= '01' && digits <= '31' : digits.length === 1 && digits >= '1'

const isYear = (digits: string) => digits.length === 4 && digits >= '1880' && digits <= '2100'

function match(pattern: RegExp, text: string, at: number): RegExpExecArray | null {
  pattern.lastIndex = at
  return pattern.exec(text)
}
