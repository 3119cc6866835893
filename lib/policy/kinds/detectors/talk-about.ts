import type { Span } from '@/lib/policy/engine/policy'

/** Words of people who speak about attacks rather than attack. */
const TALK =
  /prompt.?injection|jailbreak|attack(?:s|ers?|ing|ed)?(?![\w.])|phrase|regex|classifier|unit test|(?<![\w.@])example(?!\.)|such as|grammatical|imperative|(?:customer|user|visitor|somebody|someone)s? (?:wrote|write|type|typed|sent|said)|test case|article|paper|blog|defen[cs]e|detect|owasp|red team|angreifer|attaque|ataque|angriff|injection|инъекц|注入|インジェクション/i

const QUOTE = /["'“”‘’«»`「」/]/

const NEAR_UNITS = 160

/**
 * Whether a match stands in quotation marks in a text that speaks about attacks. Both are needed: a mere mention of
 * "prompt injection" must not be a way around the policy.
 */
export function isTalkAbout(text: string, { start, end }: Span): boolean {
  const before = text.slice(Math.max(0, start - NEAR_UNITS), start)
  if (!TALK.test(before) && !TALK.test(text.slice(end, end + NEAR_UNITS))) return false
  return QUOTE.test(before.slice(-3)) || (QUOTE.test(before) && QUOTE.test(text.slice(end, end + 40)))
}
