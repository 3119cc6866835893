type Redaction = {
  marker_format: 'label' | 'asterisks' | 'partial'
  preserve_length: boolean
  custom_markers: Readonly<Record<string, string>>
}

const LENGTH_OF_ASTERISKS = 8
/** What a partial marker shows at the end, as receipts do; never more than a quarter of the whole. */
const SHOWN_MAX = 4

/** What stands in the place of a value: `[EMAIL]`, `********` or `************1111`. */
export function replacementFor(value: string, rule: string, redaction: Redaction): string {
  const { marker_format, preserve_length, custom_markers } = redaction
  const custom = Object.hasOwn(custom_markers, rule) ? custom_markers[rule] : undefined
  const marker = custom ?? markerOf(value, rule, marker_format, preserve_length)
  if (!preserve_length || marker.length === value.length) return marker
  return marker.length > value.length ? '*'.repeat(value.length) : marker.padEnd(value.length, '*')
}

function markerOf(value: string, rule: string, format: Redaction['marker_format'], isLong: boolean): string {
  if (format === 'label') return `[${rule.toUpperCase()}]`
  if (format === 'asterisks') return '*'.repeat(isLong ? value.length : LENGTH_OF_ASTERISKS)
  const characters = Array.from(value)
  const at = value.indexOf('@')
  // Of an address the domain says where, not who.
  if (rule === 'email' && at > 0) return `${characters[0]}${'*'.repeat(Math.max(1, at - 1))}${value.slice(at)}`
  const shown = Math.min(SHOWN_MAX, Math.floor(characters.length / 4))
  return '*'.repeat(characters.length - shown) + characters.slice(characters.length - shown).join('')
}
