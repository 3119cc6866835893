import type { Span, Term } from '@/lib/policy/engine/policy'

export type Boundary = Span & { rule: string; weight: number }

/**
 * Text that pretends to be the frame around it: special tokens of chat templates, role tags, ends of quoted input.
 * A token that is only spoken about weighs less than one that opens a turn.
 */
const BOUNDARIES: readonly { rule: string; weight: number; signs: readonly string[]; pattern: RegExp }[] = [
  {
    rule: 'chat_template',
    weight: 0.85,
    signs: ['<|'],
    pattern:
      /<\|(?:im_start|start_header_id)\|>[ \t]{0,4}(?:system|user|assistant|developer|tool)\b|<\|(?:system|user|assistant|developer)\|>[ \t]{0,4}[\nA-Z]/g,
  },
  {
    rule: 'chat_template_mention',
    weight: 0.3,
    signs: ['<|'],
    pattern: /<\|(?:im_start|im_end|im_sep|endoftext|eot_id|start_header_id|system|user|assistant|end)\|>/gi,
  },
  {
    rule: 'chat_template',
    weight: 0.85,
    signs: ['<<sys', '<start_of', '[/inst'],
    pattern:
      /<<SYS>>[ \t]{0,4}(?:\n|[A-Z]|[^\n<]{1,400}<<\/SYS>>)|<start_of_turn>(?:model|user|system)\n|\[\/INST\][^\n]{0,80}\[INST\]/gi,
  },
  {
    rule: 'chat_template_mention',
    weight: 0.3,
    signs: ['inst]', '<s>', '</s', '<<sys'],
    pattern: /\[\/?INST\]|<\/?s>|<<SYS>>/gi,
  },
  {
    rule: 'role_tag',
    weight: 0.85,
    signs: ['</'],
    pattern:
      /<\/(?:user_input|user|context|instructions|document|input|data|query|untrusted)>\s{0,8}(?:<\/[a-z_]{1,20}>\s{0,8}){0,2}<(?:system|instructions|admin|developer|assistant)>/gi,
  },
  {
    rule: 'role_tag',
    weight: 0.6,
    signs: ['<system', '<developer'],
    pattern: /(?:^|\n)[ \t]{0,8}<(?:system|system_prompt|developer)>[^\n]{8}/gi,
  },
  {
    rule: 'role_heading',
    weight: 0.6,
    signs: ['##'],
    pattern: /(?:^|\n)#{2,4} ?(?:system|system prompt|instruction|developer)[ \t]{0,4}:[ \t]{0,4}\n/gi,
  },
  {
    rule: 'role_heading',
    weight: 0.85,
    signs: ['##'],
    pattern: /(?:^|\n)#{2,4} ?system:?[ \t]{0,4}\n[^\n]{0,400}\n{1,3}#{2,4} ?(?:user|human|assistant|response):?/gi,
  },
  {
    rule: 'role_line',
    weight: 0.85,
    signs: ['system:', 'system]:'],
    pattern: /\n[ \t]{0,4}\[?system\]?:[^\n]{8,300}\n[ \t]{0,4}(?:user|human|assistant):/gi,
  },
  {
    rule: 'role_line',
    weight: 0.7,
    signs: ['human:'],
    pattern: /(?:^|\n)human:[^\n]{0,300}\n{1,3}assistant:[^\n]{0,300}\n{1,3}human:/gi,
  },
  {
    rule: 'end_of_input',
    weight: 0.85,
    signs: ['end of'],
    pattern:
      /-{3,10} ?end of (?:user )?(?:message|input|document|prompt|data|text)[^\n]{0,40}\n+[^\n]{0,20}(?:begin|start|new) (?:of )?(?:system|developer|admin|instruction)/gi,
  },
  {
    rule: 'end_of_input',
    weight: 0.6,
    signs: ['end of'],
    pattern: /(?:^|\n)[-="' \t]{0,12}end of (?:user |the )?(?:message|input|document|prompt|data)\b/gi,
  },
  {
    rule: 'role_tag',
    weight: 0.5,
    signs: ['[admin', '[system', '[developer', '[root'],
    pattern: /(?:^|[\n.] ?)[ \t]{0,4}\[(?:admin|system|developer|root)(?: [a-z]{1,16})?\][^\n(]{8}/gi,
  },
  {
    rule: 'hidden_markup',
    weight: 0.5,
    signs: [' hidde', 'display:', 'font-size:'],
    pattern:
      /<[a-z][a-z0-9]{0,10}(?: [^<>]{0,120})?(?: hidden|display: ?none|font-size: ?0)[^<>]{0,60}>[^<]{0,20}(?:assistant|\bAI\b|\bLLM\b|model)/gi,
  },
  {
    rule: 'role_json',
    weight: 0.85,
    signs: ['"role"'],
    pattern:
      /\{\s{0,8}"role"\s{0,8}:\s{0,8}"(?:system|developer)"\s{0,8},\s{0,8}"content"\s{0,8}:\s{0,8}["[{][^"]{0,4}[^".]/gi,
  },
]

/** For the scanner of a chain: what tells which frames a text may have. A mark behind a sign's last letter changes that one. */
export const BOUNDARY_TERMS: readonly Term[] = BOUNDARIES.flatMap(({ signs }) =>
  signs.map((text) => ({ text, wholeWord: false, isFirstOnly: true })),
)
const OWNERS = BOUNDARIES.flatMap(({ signs }, boundary) => signs.map(() => boundary))

/**
 * Frames in a text, by their weights. Linear: every repeat is bounded, and a pattern is tried only where the text has one
 * of its literals.
 *
 * @param seen which of `BOUNDARY_TERMS` the text has
 */
export function fakeBoundaries(text: string, seen: readonly number[]): Boundary[] {
  if (seen.length === 0) return []
  const isSeen = new Set(seen.map((term) => OWNERS[term]))
  return BOUNDARIES.flatMap(({ rule, weight, pattern }, boundary) =>
    isSeen.has(boundary)
      ? Array.from(text.matchAll(pattern), ({ index, 0: found }) => ({
          rule,
          weight,
          start: index,
          end: index + found.length,
        }))
      : [],
  )
}
