/** Data that must not leave in a tool call, by the names that `blocked_entity_types` takes. */
export const TOOL_ENTITIES = [
  'pan',
  'ssn',
  'email',
  'iban',
  'jwt',
  'private_key',
  'aws_access_key',
  'gcp_api_key',
  'github_token',
  'slack_token',
  'openai_key',
  'anthropic_key',
  'stripe_key',
  'keeptrusts_key',
] as const
export type ToolEntity = (typeof TOOL_ENTITIES)[number]

export const PERSONAL_ENTITIES: readonly ToolEntity[] = ['pan', 'ssn', 'email', 'iban']

/** The first of these entities that a text contains; null when it contains none. Linear in the text. */
export function entityIn(text: string, entities: readonly ToolEntity[]): ToolEntity | null {
  return entities.find((entity) => contains(text, entity)) ?? null
}

/**
 * Every pattern begins with a literal or a class that what follows cannot begin again, and its repeats are bounded, so
 * none needs more than a constant number of steps per character.
 */
const PATTERNS: Record<ToolEntity, RegExp> = {
  pan: /(?<![\d.]|\d-)\d(?:[ -]?\d){12,40}(?!\d|\.\d)/g,
  ssn: /(?<![\d-])(?!000|666|9)\d{3}-(?!00)\d{2}-(?!0000)\d{4}(?![\d-])/g,
  email: /(?<![\w.%+-])[\w.%+-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,8}/g,
  iban: /\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]){11,30}\b/g,
  jwt: /(?<![\w-])eyJ[\w-]{8,2000}\.eyJ[\w-]{8,4000}\.[\w-]{16,2000}/g,
  private_key: /-----BEGIN (?:[A-Z]{1,20} ){0,3}PRIVATE KEY(?: BLOCK)?-----/g,
  aws_access_key: /\b(?:AKIA|ASIA)[A-Z2-7]{16}\b/g,
  gcp_api_key: /\bAIza[\w-]{35}(?![\w-])/g,
  github_token: /\b(?:gh[pousr]_[A-Za-z0-9]{36,255}|github_pat_\w{22,255})\b/g,
  slack_token: /\bxox[abeoprs]-[\w-]{10,250}/g,
  openai_key: /\bsk-(?!ant-)(?:proj-|svcacct-|admin-)?[\w-]{32,250}/g,
  anthropic_key: /\bsk-ant-[\w-]{32,250}/g,
  stripe_key: /\b[rs]k_live_[A-Za-z0-9]{16,250}/g,
  keeptrusts_key: /\bkt_[a-z]{2,4}_[A-Za-z0-9_-]{20,120}/g,
}

const VALID: Partial<Record<ToolEntity, (found: string) => boolean>> = {
  pan: holdsCardNumber,
  iban: (found) => isIban(found.replaceAll(' ', '')),
}

function contains(text: string, entity: ToolEntity): boolean {
  const isValid = VALID[entity]
  for (const [found] of text.matchAll(PATTERNS[entity])) {
    if (isValid === undefined || isValid(found)) return true
  }
  return false
}

/** Groups may stand beside others that are not of the card, such as a date; a card begins and ends with a group. */
function holdsCardNumber(found: string): boolean {
  const groups = found.split(/[ -]/)
  return groups.some((_, from) => {
    let digits = ''
    return groups.slice(from).some((group) => {
      digits += group
      return digits.length >= 13 && digits.length <= 19 && isCardNumber(digits)
    })
  })
}

/** First digits that a card network gives out, and the check digit of Luhn: any other long number is just a number. */
function isCardNumber(digits: string): boolean {
  if (!/^(?:3[0-9]|4|5[0-9]|2[2-7]|6)/.test(digits)) return false
  let sum = 0
  for (let at = 0; at < digits.length; at++) {
    const digit = digits.charCodeAt(digits.length - 1 - at) - 48
    const weighed = at % 2 === 1 ? digit * 2 : digit
    sum += weighed > 9 ? weighed - 9 : weighed
  }
  return sum % 10 === 0
}

/** ISO 13616: the first four characters move to the end, letters count from 10, and the whole is 1 modulo 97. */
function isIban(iban: string): boolean {
  let rest = 0
  for (const character of iban.slice(4) + iban.slice(0, 4)) {
    const value = Number.parseInt(character, 36)
    rest = (rest * (value > 9 ? 100 : 10) + value) % 97
  }
  return rest === 1
}
