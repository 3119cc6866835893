/**
 * C0, DEL and C1 drive a terminal; the bidirectional controls and line separators make text look like other text
 * (CVE-2021-42574). Names come from other people, so none of them reaches a screen.
 */
const DANGEROUS = /[\p{Cc}\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu
const DANGEROUS_BUT_LAYOUT = /(?![\n\t])[\p{Cc}\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu

const WIDE =
  /\p{Emoji_Presentation}|[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]/u

const graphemes = new Intl.Segmenter(undefined, { granularity: 'grapheme' })

const escaped = (character: string) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`

/** One line that is safe to show on a terminal. */
export const printable = (text: string): string => text.replace(DANGEROUS, escaped)

/** The same for text of several lines: line feeds and tabs stay. */
export const printableLines = (text: string): string => text.replace(DANGEROUS_BUT_LAYOUT, escaped)

/** Columns that text takes on a terminal. */
export function displayWidth(text: string): number {
  let width = 0
  for (const { segment } of graphemes.segment(text)) width += WIDE.test(segment) ? 2 : 1
  return width
}

/** RFC 3339 to the second, as people read it: `2026-05-15T14:00:00Z`. */
export const toSeconds = (instant: string): string => instant.replace(/\.\d+(?=Z$)/, '')

/** A table cell for a time: `2026-05-15T14:00:00`. Always UTC. */
export const cellTime = (instant: string | null, absent: string): string => instant?.slice(0, 19) ?? absent
