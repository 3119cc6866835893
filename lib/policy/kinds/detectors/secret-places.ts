import type { Found } from './found'
import { isRandom } from './randomness'
import { isPassword } from './secret-names'

/** What a command or a link has in a known place. The first group is the secret. */
type Place = { literals: readonly string[]; pattern: RegExp; rule: string; isValid?: (secret: string) => boolean }

const isTemplate = (secret: string) =>
  /^(?:password|passwd|pass|pwd|secret|token)$|^[<[{$%*]|\*\*\*|xxxx|^your/i.test(secret)
const isWritten = (secret: string) => !isTemplate(secret)

const PLACES: readonly Place[] = [
  {
    literals: ['://'],
    pattern: /[^\s:@/"'<>]{0,64}:([^\s/"'<>]{3,128})@[A-Za-z0-9[]/y,
    rule: 'password',
    isValid: isWritten,
  },
  {
    literals: ['-u '],
    pattern: /["']?[^\s:"']{1,64}:(?!\/\/)([^\s"']{6,128})/y,
    rule: 'password',
    isValid: (secret) => isWritten(secret) && isPassword(secret),
  },
  { literals: ['sshpass'], pattern: / -p ?["']?([^\s"']{4,128})/y, rule: 'password', isValid: isWritten },
  {
    // Only these take it without a blank.
    literals: ['mysql', 'mariadb'],
    pattern: /[a-z-]{0,12}(?: [^\n|;&<>]{0,150}?)? -p["']?([^\s"']{4,128})/y,
    rule: 'password',
    isValid: isPassword,
  },
  {
    literals: ['redis-cli', 'valkey-cli'],
    pattern: /(?: [^\n|;&<>]{0,120}?)? -a ["']?([^\s"']{4,128})/y,
    rule: 'password',
    isValid: isPassword,
  },
  {
    literals: ['ldapsearch', 'ldapmodify', 'ldapadd', 'ldapwhoami'],
    pattern: /(?: [^\n|;&<>]{0,150}?)? -w ["']?([^\s"']{4,128})/y,
    rule: 'password',
    isValid: isPassword,
  },
  {
    literals: [
      'docker login',
      'podman login',
      'az login',
      'oc login',
      'mongosh',
      'mongodump',
      'mongorestore',
      'sqlcmd',
      'unzip',
    ],
    pattern: /(?: [^\n|;&<>]{0,120}?)? -[pP] ["']?([^\s"']{4,128})/y,
    rule: 'password',
    isValid: isPassword,
  },
  {
    literals: ['--user'],
    pattern: /[= ]["']?[^\s:"']{1,64}:(?!\/\/)([^\s"']{6,128})/y,
    rule: 'password',
    isValid: (secret) => isWritten(secret) && isPassword(secret),
  },
  {
    literals: ['requirepass', 'masterauth'],
    pattern: / ["']?([^\s"']{6,128})/y,
    rule: 'password',
    isValid: isPassword,
  },
  {
    // A name and its password, in this order.
    literals: ['.login(', 'auth=(', 'basicauth(', 'networkcredential(', 'passwordauthentication('],
    pattern: /["'][^"'\n]{1,64}["'], {0,2}["']([^"'\n]{6,64})["']/y,
    rule: 'password',
    isValid: isPassword,
  },
  // As drawn in a code on the wall.
  {
    literals: ['wifi:'],
    pattern: /(?:[TSH]:[^;\n]{0,64};){1,3}P:([^;\n]{4,64})/y,
    rule: 'password',
    isValid: isWritten,
  },
  {
    literals: ['discord', 'client.login(', 'bot.login(', 'client.run(', 'bot.run('],
    pattern: /[^\n]{0,60}?(?<![\w-])([MNO][\w-]{22,28}\.[\w-]{6}\.[\w-]{27,45})(?![\w-])/y,
    rule: 'discord_token',
    isValid: isRandom,
  },
]

const BY_LITERAL = new Map(PLACES.flatMap((place) => place.literals.map((literal) => [literal, place] as const)))

/** In lower case, for the chain's scanner. */
export const PLACE_LITERALS: readonly string[] = [...BY_LITERAL.keys()]

/** @param end of the literal */
export function placedAt(text: string, literal: string, end: number): Found | null {
  const place = BY_LITERAL.get(literal)
  if (!place) return null
  place.pattern.lastIndex = end
  const match = place.pattern.exec(text)
  const secret = match?.[1]
  if (!match || secret === undefined || place.isValid?.(secret) === false) return null
  const start = end + match[0].lastIndexOf(secret)
  return { start, end: start + secret.length, rule: place.rule }
}

const COMPANION = /(?<![A-Za-z0-9/+=])[A-Za-z0-9/+]{40}(?![A-Za-z0-9/+=])/
const COMPANION_UNITS = 120

/** The secret that goes with a key of AWS, written near it under any name or none. */
export function companionOf(text: string, { rule, end }: Found): Found | null {
  if (rule !== 'aws_access_key') return null
  const near = COMPANION.exec(text.slice(end, end + COMPANION_UNITS))
  if (!near || !isRandom(near[0]) || !/[A-Z]/.test(near[0]) || !/[a-z]/.test(near[0]) || /example/i.test(near[0]))
    return null
  const start = end + near.index
  return { start, end: start + near[0].length, rule: 'aws_secret_key' }
}
