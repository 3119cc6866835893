import { normalise } from '@/lib/policy/engine/normalise'
import type { Term, TermHit } from '@/lib/policy/engine/policy'
import { buildScanner, type Scanner } from '@/lib/policy/engine/scanner'
import { step } from '@/lib/policy/engine/time-limit'
import { type Found, joinOverlaps } from './found'
import { isUnlikeWords, pairAt, passwordAt, phraseAt, SAID, SAID_OF_IT, VALUE } from './passwords'
import { plainForm } from './plain-form'
import { isRandom } from './randomness'
import { isSecretKey, PREFIXED_SECRETS, SECRET_LABELS } from './secret-names'
import { companionOf, PLACE_LITERALS, placedAt } from './secret-places'

const PEM = '-----begin '

const LITERALS = [
  ...PREFIXED_SECRETS.map(({ prefix }) => prefix),
  ...SECRET_LABELS.map(({ label }) => label),
  PEM,
  ...PLACE_LITERALS,
]
const FIRST_LABEL = PREFIXED_SECRETS.length
const FIRST_OTHER = FIRST_LABEL + SECRET_LABELS.length

/** What the chain's scanner must look for; a text without any of it holds no known secret. */
export const SECRET_TERMS: readonly Term[] = LITERALS.map((text, term) => ({
  text,
  wholeWord: false,
  isOnlyAtWordStart:
    (term < FIRST_LABEL && PREFIXED_SECRETS[term]?.isBehind !== true) ||
    SECRET_LABELS[term - FIRST_LABEL]?.isWord === true,
}))

/** Longest run without a blank that is read as one secret. */
export const SECRET_UNITS_MAX = 10_000
/** Longest private key in PEM. */
export const PEM_UNITS_MAX = 16_384

/**
 * Credentials in a text, without overlap, signs that nobody sees among their characters or not.
 *
 * @param hits those of `SECRET_TERMS`, by their index there
 * @param isPlain nothing but ASCII that is seen
 */
export function findSecrets(text: string, hits: readonly TermHit[], isPlain: boolean): Found[] {
  const found = secretsAt(text, hits)
  if (isPlain) return found
  const plain = plainForm(text)
  if (plain.text === text) return found
  const hidden = secretsAt(plain.text, hitsIn(plain.text))
  return joinOverlaps([...found, ...hidden.map((one) => ({ ...one, ...plain.origin(one.start, one.end) }))])
}

let scanner: Scanner | undefined

/** Those of `SECRET_TERMS` in a text that the chain has not scanned. */
function hitsIn(text: string): TermHit[] {
  scanner ??= buildScanner(SECRET_TERMS)
  const normal = normalise(text)
  const hits: TermHit[] = []
  scanner.scan(normal.text, (term, start, end) => hits.push({ term, ...normal.origin(start, end) }))
  return hits
}

function secretsAt(text: string, hits: readonly TermHit[]): Found[] {
  const found: Found[] = []
  // What has a name of its own goes first, so that it gives its name to what is found twice.
  const labelled: Found[] = []
  for (const { term, start, end } of hits) {
    step()
    const one =
      term < FIRST_LABEL
        ? prefixedAt(text, term, start)
        : term < FIRST_OTHER
          ? labelledAt(text, term - FIRST_LABEL, start, end)
          : LITERALS[term] === PEM
            ? privateKeyAt(text, start)
            : placedAt(text, LITERALS[term] ?? '', end)
    if (!one) continue
    ;(term < FIRST_LABEL ? found : labelled).push(one)
    const companion = companionOf(text, one)
    if (companion) labelled.push(companion)
  }
  return joinOverlaps([...found, ...labelled])
}

function prefixedAt(text: string, index: number, start: number): Found | null {
  const known = PREFIXED_SECRETS[index]
  if (!known) return null
  if (
    known.isBehind !== true &&
    /[A-Za-z0-9]/.test(known.prefix.charAt(0)) &&
    /[A-Za-z0-9]/.test(text.charAt(start - 1))
  )
    return null
  const secret = read(known.pattern, text, start)?.[0]
  if (secret === undefined) return null
  if (known.isRandomOnly && !isRandom(secret.slice(known.prefix.length))) return null
  if (known.isValid?.(secret) === false) return null
  const from = startOf(known.rule, text, start)
  return from === null ? null : { start: from, end: start + secret.length, rule: known.rule }
}

/** A few are known by something in their middle. */
function startOf(rule: string, text: string, start: number): number | null {
  if (rule === 'discord_webhook') {
    const host = /https:\/\/(?:canary\.|ptb\.)?discord(?:app)?\.com$/.exec(text.slice(Math.max(0, start - 40), start))
    return host ? start - host[0].length : null
  }
  if (rule === 'telegram_token') {
    const bot = /(?<!\d)\d{8,10}$/.exec(text.slice(Math.max(0, start - 11), start))
    return bot ? start - bot[0].length : null
  }
  if (rule === 'teams_webhook') {
    const host = /https:\/\/[a-z0-9-]{1,60}$/.exec(text.slice(Math.max(0, start - 68), start))
    return host ? start - host[0].length : null
  }
  if (rule === 'mailchimp_key') return behind(/(?<![0-9A-Za-z])[0-9a-f]{32}$/, text, start, 33)
  if (rule === 'azure_client_secret') return behind(/(?<![\w~.-])[\w~.]{3}\d$/, text, start, 5)
  if (rule === 'new_relic_key' && text.startsWith('NRAL', start))
    return behind(/(?<![0-9A-Za-z])[0-9a-f]{36}$/, text, start, 37)
  if (rule === 'firebase_key') return behind(/(?<![\w-])[\w-]{11,22}$/, text, start, 23)
  if (rule === 'terraform_token') {
    const id = /[A-Za-z0-9]{14}$/.exec(text.slice(Math.max(0, start - 14), start))
    return id ? start - id[0].length : null
  }
  return start
}

/** Where what stands right before `start` begins; null when it is something else. */
function behind(pattern: RegExp, text: string, start: number, units: number): number | null {
  const before = pattern.exec(text.slice(Math.max(0, start - units), start))
  return before ? start - before[0].length : null
}

/** `"clientSecret": "..."`, `API_KEY=...`, `token is ...`. */
const BETWEEN =
  /[A-Za-z0-9_-]{0,24}\\?["'\]]?[ \t]{0,3}(?:=>|:=|==?|:|：|->|>(?![ \t])| is(?: now)?:? | lautet:? | ist:? | est:? | es:? | was:? | é:? | è:? | är:? | là:? | adalah:? |は|은|는|是|为)[ \t]{0,3}\\?["'`]?/y
/** `--token abc`: what stands there must look like nothing else. */
const BLANK_BETWEEN = /[ \t]{1,3}["'`]?(?=[A-Za-z0-9_-]{0,40}\d)/y
const AFTER_BEARER = / +/y
/** `Basic ...` of a header, `"auth": "..."` of a file of docker. */
const BEFORE_LOGIN = /(?: +|:[ \t]{0,3}")/y

function labelledAt(text: string, index: number, at: number, end: number): Found | null {
  const known = SECRET_LABELS[index]
  if (!known) return null
  // `DB_PASS`, not `is_passing`.
  if (known.label === '_pass' && /[A-Za-z]/.test(text.charAt(end))) return null
  if (known.isWord && (WORD.test(text.charAt(at - 1)) || WORD_OR_HYPHEN.test(text.charAt(end)))) return null
  if (known.holds === 'password') return passwordAt(text, at, end, known.isWord === true)
  if (known.holds === 'pair') return pairAt(text, end)
  if (known.holds === 'phrase') return phraseAt(text, end)
  if (known.holds === 'login') return loginAt(text, end)
  const tied = read(known.label === 'bearer' ? AFTER_BEARER : BETWEEN, text, end)?.[0]
  const between = tied ?? read(BLANK_BETWEEN, text, end)?.[0] ?? saidOf(text, end)
  if (between === undefined) return null
  const start = end + between.length
  const value = read(VALUE, text, start)?.[0]
  if (value === undefined || (tied === undefined && !isUnlikeWords(value))) return null
  const key = /^[A-Za-z0-9+/_.~=-]*(?::[0-9a-f]{16,64}(?![A-Za-z0-9]))?/.exec(value)?.[0].replace(/\.{1,8}$/, '') ?? ''
  const isQuoted = /["'`]$/.test(between) && text.charAt(start + value.length) === between.slice(-1)
  if (isQuoted && SIGN_OF_KEY.test(value.charAt(key.length)) && isSignedKey(value))
    return { start, end: start + value.length, rule: 'secret' }
  // What is called is code.
  if (!isSecretKey(key) || value.charAt(key.length) === '(') return null
  return { start, end: start + key.length, rule: known.holds === 'azure_key' ? 'azure_key' : ruleOf(text, end, key) }
}

const WORD = /[\p{L}\p{N}_]/u
const WORD_OR_HYPHEN = /[\p{L}\p{N}_-]/u
/** Keys of web frameworks are drawn from more than letters and digits. */
const SIGN_OF_KEY = /[!@#$%^&*(){}|?,;]/
const SIGNED_UNITS_MIN = 32
const isSignedKey = (value: string) =>
  value.length >= SIGNED_UNITS_MIN &&
  /\d/.test(value) &&
  isRandom(value) &&
  !/\$\{|\(\)|\{\{|:\/\/|example|x{4}/i.test(value)

function saidOf(text: string, end: number): string | undefined {
  const said = read(SAID, text, end)?.[0]
  return said !== undefined && SAID_OF_IT.test(said) ? undefined : said
}

/** RFC 7617: a name, a colon and a password in base64. */
function loginAt(text: string, end: number): Found | null {
  const between = read(BEFORE_LOGIN, text, end)?.[0]
  if (between === undefined) return null
  const start = end + between.length
  const value = read(VALUE, text, start)?.[0] ?? ''
  if (!/^[A-Za-z0-9+/]{12,512}={0,2}$/.test(value)) return null
  try {
    const bare = value.replace(/={1,2}$/, '')
    if (!/^[ -9;-~]{1,64}:/.test(atob(bare.slice(0, bare.length - (bare.length % 4))))) return null
  } catch {
    return null
  }
  return { start, end: start + value.length, rule: 'password' }
}

const ruleOf = (text: string, end: number, key: string) =>
  key.length === 40 && /aws_?secret/i.test(text.slice(Math.max(0, end - 24), end + 16)) ? 'aws_secret_key' : 'secret'

const PEM_HEAD = /-----BEGIN (?:[A-Z0-9]{2,12} ){0,2}PRIVATE KEY(?: BLOCK)?-----/y
const PEM_BODY = /[\sA-Za-z0-9+/=\\:,.-]{0,16384}/y

function privateKeyAt(text: string, start: number): Found | null {
  const head = read(PEM_HEAD, text, start)?.[0]
  if (head === undefined) return null
  const near = text.slice(start, start + PEM_UNITS_MAX)
  const tail = /-----END [A-Z0-9 ]{0,40}-----/.exec(near)
  // Without its end the rest is still a key.
  const length = tail
    ? tail.index + tail[0].length
    : head.length + (read(PEM_BODY, text, start + head.length)?.[0].length ?? 0)
  // In JSON the last line ends with two signs that belong to it.
  const isEscaped = tail !== null && text.startsWith('\\n', start + length)
  return { start, end: start + length + (isEscaped ? 2 : 0), rule: 'private_key' }
}

function read(pattern: RegExp, text: string, at: number): RegExpExecArray | null {
  pattern.lastIndex = at
  return pattern.exec(text)
}
