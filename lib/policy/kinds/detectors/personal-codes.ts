import ipaddr from 'ipaddr.js'
import { step } from '@/lib/policy/engine/time-limit'
import { hasIbanChecksum, ibanLength, isCodiceFiscale, isSpanishId } from './checksums'
import { contextBefore, LICENCE_WORDS, PASSPORT_WORDS } from './context'
import type { Found } from './found'
import { nationalCodeAt } from './national-ids'

/**
 * Everything with letters and digits: e-mail, IBAN, national ids with letters, passports, licences, IPv6 and MAC addresses.
 *
 * @param digitRuns where the runs of digits begin and end
 */
export function personalCodes(text: string, digitRuns: readonly number[]): Found[] {
  const found: Found[] = []
  if (text.includes('@')) emails(text, '@', found)
  for (const sign of WRITTEN_AT) if (text.includes(sign)) emails(text, sign, found)
  if (digitRuns.length === 0) return found
  const starts = codeStarts(text, digitRuns)
  for (let i = 0; i < starts.length; i += 2) {
    const start = starts[i] ?? 0
    codeAt(text, start, text.slice(start, starts[i + 1]), found)
  }
  dottedAddresses(text, found)
  for (const separator of [':', '-']) hardwareAddresses(text, separator, found)
  ipv6Addresses(text, found)
  return found
}

/** Where a code may begin, and the end of what tells so: letters and the first digit, or what stands before that. */
export function codeStarts(text: string, digitRuns: readonly number[]): number[] {
  const starts: number[] = []
  for (let i = 0; i < digitRuns.length; i += 2) {
    step()
    const digit = digitRuns[i] ?? 0
    let start = digit
    while (digit - start <= LETTERS_MAX && isLetterCode(text.charCodeAt(start - 1))) start--
    if (start < digit) {
      if (digit - start <= LETTERS_MAX && !isWordBefore(text, start)) starts.push(start, digit + 1)
      continue
    }
    const before = text.charCodeAt(digit - 1)
    if (before === 0x2d && /[XYZxyz]/.test(text.charAt(digit - 2)) && !isWordBefore(text, digit - 2))
      starts.push(digit - 2, digit + 1)
    if ((before === 0x20 || before === 0x2d) && isCapitalCode(text.charCodeAt(digit - 2)))
      setApart(text, digit, (digitRuns[i + 1] ?? 0) - digit, starts)
    if (!isWordCode(before) && before !== 0x2d && before !== 0x2e && read(NUMBER_CODE, text, digit) !== null)
      starts.push(digit, digit + 1)
  }
  return starts
}

/** Capitals with a blank or hyphen before their digits: `AB 12 34 56 C`, `P-1428903`. */
function setApart(text: string, digit: number, digits: number, starts: number[]): void {
  let start = digit - 1
  while (digit - start <= APART_MAX && isCapitalCode(text.charCodeAt(start - 1))) start--
  if (isWordBefore(text, start) || (digit - start === 2 && /[XYZ]-/.test(text.slice(start, digit)))) return
  const isSpaced = text[digit - 1] === ' ' && digit - start === 3 && read(SPACED_CODE, text, digit) !== null
  if (isSpaced || digits >= APART_DIGITS_MIN) starts.push(start, digit)
}

const APART_MAX = 5
const APART_DIGITS_MIN = 5

const WORD = /[\p{L}\p{N}]/u

/** Whether a letter, a digit or a low line of any script stands before `at`. */
function isWordBefore(text: string, at: number): boolean {
  const code = text.charCodeAt(at - 1)
  if (!(code > 0x7f)) return isWordCode(code)
  const isPair = (code & 0xfc00) === 0xdc00 && (text.charCodeAt(at - 2) & 0xfc00) === 0xd800
  return WORD.test(text.slice(isPair ? at - 2 : at - 1, at))
}

const LETTERS_MAX = 6
const SPACED_CODE = /\d\d ?\d\d ?\d\d ?[A-D](?![A-Za-z0-9])/y
const NUMBER_CODE = /\d[0-9A-Z]{5,14}(?![A-Za-z0-9])/y

const isLetterCode = (code: number) => (code >= 97 && code <= 122) || (code >= 65 && code <= 90)
const isCapitalCode = (code: number) => code >= 65 && code <= 90
const isDigitCode = (code: number) => code >= 48 && code <= 57
const isWordCode = (code: number) => isLetterCode(code) || isDigitCode(code) || code === 95
const isHexCode = (code: number) => isDigitCode(code) || ((code | 32) >= 97 && (code | 32) <= 102)

/** RFC 5321 limits: 64 before the @, 255 behind it. */
const LOCAL_MAX = 64
const DOMAIN_MAX = 255
const LOCAL = /[\p{L}\p{N}.!#$%&'*+/=?^_`{|}~-]/u
const DOMAIN =
  /(?:[\p{L}\p{N}](?:[\p{L}\p{N}-]{0,61}[\p{L}\p{N}])?\.){1,8}(?:xn--[a-z0-9-]{2,59}|[A-Za-z]{2,24}|[\p{sc=Cyrillic}\p{sc=Greek}\p{sc=Arabic}]{2,24})/uy
const LOCAL_EDGE = /^[.'!#$%&*+/=?^`{|}~-]{1,64}/

/** The sign as addresses have it in links, and as people write it who want no mail from machines. */
const WRITTEN_AT = ['%40', '[at]', '(at)', '[AT]', '(AT)']
const WRITTEN_DOT = /\[dot\]|\(dot\)/gi

function emails(written: string, sign: string, found: Found[]) {
  // As long as what it stands for, so that nothing moves.
  const text = sign === '@' ? written : written.replace(WRITTEN_DOT, 'xx.xx')
  for (let at = text.indexOf(sign); at !== -1; at = text.indexOf(sign, at + 1)) {
    step()
    let start = at
    while (start > 0 && at - start < LOCAL_MAX && LOCAL.test(text.charAt(start - 1))) start--
    // Without blanks between words (Chinese, Japanese) the sentence before it is no part of an address.
    const local = text.slice(start, at)
    const ascii = /[A-Za-z0-9._+-]{1,64}$/.exec(local)
    if (ascii && /[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]/.test(local)) start = at - ascii[0].length
    start += LOCAL_EDGE.exec(text.slice(start, at))?.[0].length ?? 0
    // `key=jane@example.org`: the name of a field is no part of the address.
    const equals = text.slice(start, at).lastIndexOf('=')
    if (equals >= 0) start += equals + 1
    if (start === at) continue
    const domain = read(DOMAIN, text, at + sign.length)
    if (domain === null || domain.length > DOMAIN_MAX) continue
    const end = at + sign.length + domain.length
    if (sign === '@' && (isRemote(text, start, at, end) || isPasswordOfLink(text, start))) continue
    found.push({ start, end, rule: 'email' })
  }
}

/** Behind the host: `:org/repo`, `:~/file`. */
const REMOTE_PATH = /:(?:~|\.{0,2}\/|[\w.-]{1,100}\/|[\w.-]{1,100}\.git\b)/y
const SHELL_WORDS =
  /(?<![\p{L}\p{N}])(?:scp|rsync|ssh|sftp|clone|remote|origin|upstream|push|pull|fetch)(?![\p{L}\p{N}])/u

/** Whether `user@host` is where a shell logs in, as in `git@github.com:org/repo.git`, and no address of a person. */
function isRemote(text: string, start: number, at: number, end: number): boolean {
  const user = text.slice(start, at)
  if (/\b(?:ssh|git|sftp|rsync|svn\+ssh|git\+ssh):\/\/$/.test(text.slice(Math.max(0, start - 12), start))) return true
  const isPath = read(REMOTE_PATH, text, end) !== null
  if (user === 'git') return isPath || SHELL_WORDS.test(contextBefore(text, start))
  return isPath && SHELL_WORDS.test(contextBefore(text, start))
}

/** `https://user:password@host`: what stands before the sign is no mailbox. */
const isPasswordOfLink = (text: string, start: number) =>
  text.charAt(start - 1) === ':' && /:\/\/[^\s/@:]{0,64}:$/.test(text.slice(Math.max(0, start - 68), start))

const NINO = /(?:[ABCEGHJ-PRSTW-Z][ABCEGHJ-NPRSTW-Z])(?: ?\d{2}){3} ?[A-D](?![A-Za-z0-9])/y
const NIE = /[XYZxyz]-?\d{7}-?[A-Za-z](?![A-Za-z0-9])/y
const CODICE_FISCALE = /[A-Za-z]{6}[0-9A-Za-z]{2}[A-Za-z][0-9A-Za-z]{2}[A-Za-z][0-9A-Za-z]{3}[A-Za-z](?![A-Za-z0-9])/y
const DOCUMENT = /(?=[A-Z]{0,14}\d)[A-Z0-9]{6,16}(?![A-Za-z0-9])/y
/** As people type it. */
const LOWER_DOCUMENT = /[a-z]{1,3}\d{5,9}(?![A-Za-z0-9])/y

function codeAt(text: string, start: number, begins: string, found: Found[]) {
  step(2)
  bareAddressAt(text, start, found)

  const iban = /^[A-Za-z]{2}\d/.test(begins) ? ibanAt(text, start) : null
  if (iban) found.push(iban)
  const nino = read(NINO, text, start)
  if (nino && !/^(?:BG|GB|KN|NK|NT|TN|ZZ)/.test(nino))
    found.push({ start, end: start + nino.length, rule: 'national_id' })
  const nie = read(NIE, text, start)
  if (nie && isSpanishId(nie.replaceAll('-', '').toUpperCase()))
    found.push({ start, end: start + nie.length, rule: 'national_id' })
  const fiscal = read(CODICE_FISCALE, text, start)
  if (fiscal && isCodiceFiscale(fiscal.toUpperCase()))
    found.push({ start, end: start + fiscal.length, rule: 'national_id' })
  if (begins.charCodeAt(0) > 57 && read(MAY_BE_NATIONAL, text, start) !== null) {
    const code = nationalCodeAt(text, start, () => contextBefore(text, start))
    if (code) found.push(code)
  }
  const document = read(DOCUMENT, text, start) ?? read(APART_DOCUMENT, text, start) ?? read(LOWER_DOCUMENT, text, start)
  const digits = document?.replace(/\D/g, '').length ?? 0
  if (document && (digits >= 5 || (digits >= 3 && document.length >= 8) || GERMAN_DOCUMENT.test(document)))
    documentAt(text, start, document, found)
  else if (!document && LICENCE.test(text.charAt(start))) licenceAt(text, start, found)
}

const APART_DOCUMENT = /[A-Z]{1,3}[ -]\d{5,9}(?![A-Za-z0-9])/y
/** Nine signs without vowels and what looks like a digit, so that words are none. */
const GERMAN_DOCUMENT = /^(?=.*\d)[B-DF-HJ-NP-TV-Z0-9]{9}$/

/** Most words with digits in them, such as `v2` and `T09`, are too short for any. */
const MAY_BE_NATIONAL = /[A-Za-zÑ&]{1,5}\d{4}|[A-Z][A-Z0-9]{7}/y

function documentAt(text: string, start: number, document: string, found: Found[]) {
  const context = contextBefore(text, start)
  if (PASSPORT_WORDS.test(context)) found.push({ start, end: start + document.length, rule: 'passport' })
  else if (LICENCE_WORDS.test(context)) licenceAt(text, start, found)
}

const LICENCE = /[A-Z]/
const GROUPED_LICENCE =
  /(?:[A-Z]{1,5}[ -](?=\d{5}))?(?=[A-Z]{0,8}\d)[A-Z0-9]{1,16}(?:[ -](?=[A-Z]{0,6}\d)[A-Z0-9]{1,14}){0,3}(?![A-Za-z0-9])/y

/** In groups too, as some states of America and India write them. */
function licenceAt(text: string, start: number, found: Found[]) {
  const licence = read(GROUPED_LICENCE, text, start)
  if (licence === null || licence.replace(/\D/g, '').length < 5) return
  if (LICENCE_WORDS.test(contextBefore(text, start)))
    found.push({ start, end: start + licence.length, rule: 'driving_licence' })
}

/** Read character by character, because groups are written in many ways and the country says the length. */
function ibanAt(text: string, start: number): Found | null {
  const length = ibanLength(text.slice(start, start + 2).toUpperCase())
  let iban = ''
  let at = start
  while (length > 0 && iban.length < length) {
    const character = text.charAt(at)
    if (/[A-Za-z0-9]/.test(character)) iban += character
    else if (!/[ \u00a0-]/.test(character) || !/[A-Za-z0-9]/.test(text.charAt(at + 1))) return null
    at++
  }
  if (length === 0 || /[A-Za-z0-9]/.test(text.charAt(at)) || !hasIbanChecksum(iban.toUpperCase())) return null
  return { start, end: at, rule: 'iban' }
}

const MAC = /(?<![0-9A-Za-z:-])(?:[0-9A-Fa-f]{2}[:-]){5}[0-9A-Fa-f]{2}(?![0-9A-Za-z:-])/y
const BROADCAST = /^(?:00|ff)([:-](?:00|ff)){5}$/i
/** Between the separators of an address. */
const PAIR_UNITS = 3
const PAIRS = 5

function hardwareAddresses(text: string, separator: string, found: Found[]) {
  for (let at = text.indexOf(separator); at !== -1; at = text.indexOf(separator, at + 1)) {
    let pairs = 1
    while (pairs < PAIRS && text[at + pairs * PAIR_UNITS] === separator) pairs += 1
    const address = pairs === PAIRS ? read(MAC, text, at - 2) : null
    if (address !== null && !BROADCAST.test(address))
      found.push({ start: at - 2, end: at - 2 + address.length, rule: 'mac_address' })
  }
}

const DOTTED_MAC = /(?<![0-9A-Za-z.-])[0-9A-Fa-f]{4}\.[0-9A-Fa-f]{4}\.[0-9A-Fa-f]{4}(?![0-9A-Za-z.-])/y
const NETWORK_WORDS = /mac\b|arp\b|cisco|interface|ethernet|hardware|bssid/

const BARE_MAC = /(?<![0-9A-Za-z])[0-9A-Fa-f]{12}(?![0-9A-Za-z])/y
const MAC_WORDS = /(?:\bmac|hwaddr|bssid|hardware address|wlan0|physical address)[^.;\n]{0,24}$/

/** Without any separator only behind a name: digests and keys have such parts too. */
function bareAddressAt(text: string, start: number, found: Found[]) {
  const address = read(BARE_MAC, text, start)
  if (address !== null && /[A-Fa-f]/.test(address) && MAC_WORDS.test(contextBefore(text, start)))
    found.push({ start, end: start + address.length, rule: 'mac_address' })
}

/** As Cisco writes them: two dots have four characters between them. */
function dottedAddresses(text: string, found: Found[]) {
  for (let at = text.indexOf('.'); at !== -1; at = text.indexOf('.', at + 1)) {
    const start = at - 4
    const address = text[at + 5] === '.' && start >= 0 ? read(DOTTED_MAC, text, start) : null
    if (address === null) continue
    if (/[A-Fa-f]/.test(address) ? !/\d/.test(address) : !NETWORK_WORDS.test(contextBefore(text, start))) continue
    found.push({ start, end: start + address.length, rule: 'mac_address' })
  }
}

const IPV6 = /(?<![0-9A-Za-z:.])[0-9A-Fa-f]{0,4}(?::[0-9A-Fa-f]{0,4}){2,8}(?![0-9A-Za-z:])/y

/** Two colons have at most four hexadecimal digits between them, and the first at most four before it. */
function ipv6Addresses(text: string, found: Found[]) {
  for (let at = text.indexOf(':'); at !== -1; at = text.indexOf(':', at + 1)) {
    let next = at + 1
    while (next <= at + 4 && isHexCode(text.charCodeAt(next))) next += 1
    if (text[next] !== ':') continue
    step()
    let start = at
    while (start > at - 4 && isHexCode(text.charCodeAt(start - 1))) start -= 1
    const address = read(IPV6, text, start)
    if (address === null || address.length < 6 || !/\d/.test(address) || !ipaddr.IPv6.isValid(address)) continue
    if (ipaddr.IPv6.parse(address).range() === 'loopback') continue
    found.push({ start, end: start + address.length, rule: 'ip_address' })
  }
}

function read(pattern: RegExp, text: string, at: number): string | null {
  pattern.lastIndex = at
  return pattern.exec(text)?.[0] ?? null
}
