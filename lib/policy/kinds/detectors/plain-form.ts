import type { Span } from '@/lib/policy/engine/policy'

/** Full-width forms, digits of other scripts and unusual blanks: one unit each, so they are replaced in place. */
const FOREIGN = /[\uff01-\uff5e\u0660-\u0669\u06f0-\u06f9\u0966-\u096f\u00a0\u2000-\u200a\u202f\u3000\u2010-\u2012]/g
/** Drawn as nothing, but enough to hide a number from a pattern. */
const INVISIBLE = /[\u00ad\u200b-\u200f\u2060-\u2064\ufeff\u202a-\u202e\u2066-\u2069]/

const HAS_FOREIGN =
  /[\u00a0\u00ad\u0660-\u0669\u06f0-\u06f9\u0966-\u096f\u2000-\u2012\u202a-\u202f\u2060-\u2069\u3000\ufeff\uff01-\uff5e]/

/**
 * A text as detectors of numbers and codes read it: ASCII digits, signs and blanks, nothing invisible. Unlike the normal
 * text of policies it keeps upper case and scripts, which tell names and codes apart.
 */
export function plainForm(text: string): { text: string; origin(start: number, end: number): Span } {
  if (!HAS_FOREIGN.test(text)) return { text, origin: (start, end) => ({ start, end }) }
  const replaced = text.replace(FOREIGN, asciiOf)
  if (!INVISIBLE.test(replaced)) return { text: replaced, origin: (start, end) => ({ start, end }) }
  const kept: number[] = []
  let plain = ''
  for (let index = 0; index < replaced.length; index++) {
    const character = replaced.charAt(index)
    if (INVISIBLE.test(character)) continue
    plain += character
    kept.push(index)
  }
  return {
    text: plain,
    origin: (start, end) => ({
      start: kept[start] ?? text.length,
      end: end > start ? (kept[end - 1] ?? text.length) + 1 : (kept[start] ?? text.length),
    }),
  }
}

function asciiOf(character: string): string {
  const code = character.charCodeAt(0)
  if (code >= 0xff01 && code <= 0xff5e) return String.fromCharCode(code - 0xfee0)
  for (const zero of [0x0660, 0x06f0, 0x0966]) if (code >= zero && code < zero + 10) return String(code - zero)
  return code >= 0x2010 && code <= 0x2012 ? '-' : ' '
}
