import { createHash } from 'node:crypto'
import { crc32 } from 'node:zlib'

/** Pseudo-random numbers that are the same on every run (mulberry32). */
export function seeded(seed: string): () => number {
  let state = createHash('sha256').update(seed).digest().readUInt32LE(0)
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

type Random = () => number

const DIGITS = '0123456789'
const HEX = '0123456789abcdef'
const LOWER = 'abcdefghijklmnopqrstuvwxyz'
const UPPER = LOWER.toUpperCase()
const ALNUM = LOWER + UPPER + DIGITS
const BASE64 = `${ALNUM}+/`
const URLSAFE = `${ALNUM}-_`

const int = (random: Random, min: number, max: number) => min + Math.floor(random() * (max - min + 1))
const pick = <T>(random: Random, list: readonly T[]): T => list[int(random, 0, list.length - 1)] as T
const from = (random: Random, alphabet: string, length: number) =>
  Array.from({ length }, () => alphabet[int(random, 0, alphabet.length - 1)]).join('')
const pad = (value: number, length = 2) => String(value).padStart(length, '0')

function luhn(body: string): string {
  for (const digit of DIGITS) {
    let sum = 0
    const all = body + digit
    for (let i = 0; i < all.length; i++) {
      const value = Number(all[all.length - 1 - i]) * (i % 2 ? 2 : 1)
      sum += value > 9 ? value - 9 : value
    }
    if (sum % 10 === 0) return all
  }
  throw new Error('no check digit')
}

function card(random: Random): string {
  const [prefix, length] = pick(random, [
    ['4', 16],
    ['4', 16],
    ['52', 16],
    ['55', 16],
    ['2223', 16],
    ['34', 15],
    ['37', 15],
    ['6011', 16],
    ['3530', 16],
    ['36', 14],
  ] as const)
  return luhn(prefix + from(random, DIGITS, length - prefix.length - 1))
}

const grouped = (digits: string, separator: string) =>
  digits.length === 15
    ? [digits.slice(0, 4), digits.slice(4, 10), digits.slice(10)].join(separator)
    : digits.length === 14
      ? [digits.slice(0, 4), digits.slice(4, 10), digits.slice(10)].join(separator)
      : (digits.match(/.{1,4}/g) ?? []).join(separator)

function iban(random: Random): string {
  const [country, body] = pick(random, [
    ['DE', from(random, DIGITS, 18)],
    ['FR', from(random, DIGITS, 23)],
    ['ES', from(random, DIGITS, 20)],
    ['GB', `NWBK${from(random, DIGITS, 14)}`],
    ['NL', `ABNA${from(random, DIGITS, 10)}`],
    ['AT', from(random, DIGITS, 16)],
    ['CH', from(random, DIGITS, 17)],
    ['BE', from(random, DIGITS, 12)],
    ['PL', from(random, DIGITS, 24)],
    ['NO', from(random, DIGITS, 11)],
  ] as const)
  const numeric = `${body}${country}00`.replace(/[A-Z]/g, (letter) => String(letter.charCodeAt(0) - 55))
  return `${country}${pad(98 - Number(BigInt(numeric) % 97n))}${body}`
}

const spaced = (text: string, size: number) => (text.match(new RegExp(`.{1,${size}}`, 'g')) ?? []).join(' ')

function ssn(random: Random, separator: string): string {
  const area = pick(random, [int(random, 1, 665), int(random, 667, 899)])
  return [pad(area, 3), pad(int(random, 1, 99)), pad(int(random, 1, 9999), 4)].join(separator)
}

const DNI = 'TRWAGMYFPDXBNJZSQVHLCKE'
const dniLetter = (number: number) => DNI[number % 23]

function codiceFiscale(random: Random): string {
  const consonants = 'BCDFGLMNPRSTVZ'
  const body = `${from(random, consonants, 6)}${pad(int(random, 40, 99))}${pick(random, [...'ABCDEHLMPRST'])}${pad(int(random, 1, 28))}${pick(random, [...'ABCDEFGHIL'])}${pad(int(random, 100, 899), 3)}`
  const odd = [1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23]
  let sum = 0
  for (let i = 0; i < 15; i++) {
    const code = body.charCodeAt(i)
    const value = code >= 65 ? code - 65 : code - 48
    sum += i % 2 ? value : (odd[value] ?? 0)
  }
  return body + UPPER[sum % 26]
}

/** Draws until a check digit comes out right, so that the generator does not share the detector's arithmetic. */
function until(draw: () => string, isRight: (value: string) => boolean): string {
  for (let i = 0; i < 5_000; i++) {
    const value = draw()
    if (isRight(value)) return value
  }
  throw new Error('no valid value in 5,000 draws')
}

function steuerId(random: Random): string {
  const digits = [...DIGITS].sort(() => random() - 0.5).slice(0, 9)
  if (digits[0] === '0') digits.reverse()
  digits.splice(int(random, 1, 9), 0, pick(random, digits))
  if (digits[0] === '0') digits[0] = '1'
  let product = 10
  for (const digit of digits) {
    let sum = (Number(digit) + product) % 10
    if (sum === 0) sum = 10
    product = (2 * sum) % 11
  }
  const check = 11 - product
  return digits.join('') + (check === 10 ? 0 : check)
}

function cpf(random: Random): string {
  const digits = Array.from({ length: 9 }, () => int(random, 0, 9))
  for (const length of [10, 11]) {
    const sum = digits.reduce((total, digit, index) => total + digit * (length - index), 0)
    digits.push(((sum * 10) % 11) % 10)
  }
  return digits.join('')
}

function verhoeffCheck(body: string): string {
  const d = (a: number, b: number) =>
    a < 5 ? (b < 5 ? (a + b) % 5 : 5 + ((a + b) % 5)) : b < 5 ? 5 + ((a - b + 5) % 5) : (a - b + 5) % 5
  const p = [1, 5, 7, 6, 2, 8, 3, 0, 9, 4]
  const permute = (digit: number, times: number) => {
    let value = digit
    for (let i = 0; i < times % 8; i++) value = p[value] ?? 0
    return value
  }
  for (const digit of DIGITS) {
    const reversed = [...(body + digit)].reverse().map(Number)
    if (reversed.reduce((check, value, index) => d(check, permute(value, index)), 0) === 0) return body + digit
  }
  throw new Error('no check digit')
}

function pesel(random: Random): string {
  const body = `${pad(int(random, 40, 99))}${pad(int(random, 1, 12))}${pad(int(random, 1, 28))}${from(random, DIGITS, 4)}`
  const sum = [1, 3, 7, 9, 1, 3, 7, 9, 1, 3].reduce((total, weight, index) => total + weight * Number(body[index]), 0)
  return body + ((10 - (sum % 10)) % 10)
}

const NAMES = [
  'anna',
  'j.smith',
  'maria_garcia',
  'l-dupont',
  'x.y.z',
  'info',
  'peter+news',
  'o.neill',
  'kim99',
  'müller',
  'r2d2',
]
const DOMAINS = [
  'example.org',
  'mail.example.com',
  'acme.co.uk',
  'firma.de',
  'uni-bonn.de',
  'gmail.com',
  'sub.domain.example.net',
  'bücher.example',
  'startup.io',
]
const MONTH_NAMES = ['January', 'March', 'April', 'June', 'July', 'October', 'December']

const BASE62 = `${DIGITS}${UPPER}${LOWER}`
function base62(value: number, length: number): string {
  let text = ''
  for (let rest = value, i = 0; i < length; i++, rest = Math.floor(rest / 62)) text = BASE62[rest % 62] + text
  return text
}
const checked = (prefix: string, body: string) => `${prefix}${body}${base62(crc32(body), 6)}`

function jwt(random: Random): string {
  const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
  return `${part({ alg: 'HS256', typ: 'JWT' })}.${part({ sub: from(random, DIGITS, 10), iat: int(random, 1.5e9, 1.7e9) })}.${from(random, URLSAFE, 43)}`
}

const pem = (random: Random, kind: string) =>
  `-----BEGIN ${kind}PRIVATE KEY-----\n${Array.from({ length: 4 }, () => from(random, BASE64, 64)).join('\n')}\n-----END ${kind}PRIVATE KEY-----`

const PASSWORDS = [
  'Tr0ub4dor&3',
  'hunter2!X',
  'S3cr3t-Pa55',
  'correcthorse9Battery',
  'kX9!mQ2z',
  'Winter2024!',
  'p@ssW0rd_77',
  'aL7#fq0Pz',
]

/** UK NHS number: weights 10 to 2, modulus 11. */
function nhs(random: Random): string {
  for (;;) {
    const body = `${int(random, 4, 7)}${from(random, DIGITS, 8)}`
    const check = (11 - (Array.from(body).reduce((sum, digit, i) => sum + Number(digit) * (10 - i), 0) % 11)) % 11
    if (check !== 10) return body + check
  }
}

const sin = (random: Random) => luhn(`${int(random, 1, 7)}${from(random, DIGITS, 7)}`)

const wrongLast = (digits: string) => digits.slice(0, -1) + ((Number(digits.at(-1)) + 1) % 10)

/** Swedish: the check digit is over the ten digits without the century. */
function personnummer(random: Random): string {
  const date = `${pad(int(random, 40, 99))}${pad(int(random, 1, 12))}${pad(int(random, 1, 28))}`
  return luhn(date + from(random, DIGITS, 3))
}

const wrapped = (digits: string) => grouped(digits, ' ').replace(/^(\S+ \S+) /, '$1\n')

function card16(random: Random): string {
  return luhn(`${pick(random, ['4', '52', '55'])}${from(random, DIGITS, 14)}`.slice(0, 15))
}

/** Values to be found, by the name that templates use. The rule is what a detector should call it. */
export const VALUES: Readonly<Record<string, { rule: string; make(random: Random): string }>> = {
  email: { rule: 'email', make: (r) => `${pick(r, NAMES)}@${pick(r, DOMAINS)}` },
  card: { rule: 'credit_card', make: card },
  card_spaced: { rule: 'credit_card', make: (r) => grouped(card(r), ' ') },
  card_dashed: { rule: 'credit_card', make: (r) => grouped(card(r), '-') },
  cvv: { rule: 'cvv', make: (r) => from(r, DIGITS, 3) },
  iban: { rule: 'iban', make: iban },
  iban_lower: { rule: 'iban', make: (r) => iban(r).toLowerCase() },
  iban_spaced: { rule: 'iban', make: (r) => spaced(iban(r), 4) },
  ssn: { rule: 'ssn', make: (r) => ssn(r, '-') },
  ssn_spaced: { rule: 'ssn', make: (r) => ssn(r, ' ') },
  ssn_plain: { rule: 'ssn', make: (r) => ssn(r, '') },
  es_dni: {
    rule: 'national_id',
    make: (r) => {
      const n = int(r, 10_000_000, 99_999_999)
      return `${n}${dniLetter(n)}`
    },
  },
  es_nie: {
    rule: 'national_id',
    make: (r) => {
      const n = int(r, 1_000_000, 9_999_999)
      return `X${n}${dniLetter(n)}`
    },
  },
  fr_nir: {
    rule: 'national_id',
    make: (r) => {
      const b = `${int(r, 1, 2)}${pad(int(r, 40, 99))}${pad(int(r, 1, 12))}${pad(int(r, 10, 95))}${from(r, DIGITS, 6)}`
      const k = pad(97 - Number(BigInt(b) % 97n))
      return pick(r, [
        b + k,
        `${b[0]} ${b.slice(1, 3)} ${b.slice(3, 5)} ${b.slice(5, 7)} ${b.slice(7, 10)} ${b.slice(10)} ${k}`,
      ])
    },
  },
  it_cf: { rule: 'national_id', make: codiceFiscale },
  uk_nino: {
    rule: 'national_id',
    make: (r) => `${pick(r, ['AB', 'CE', 'JT', 'PW'])}${from(r, DIGITS, 6)}${pick(r, [...'ABCD'])}`,
  },
  uk_nino_spaced: {
    rule: 'national_id',
    make: (r) => `${pick(r, ['AB', 'CE', 'JT', 'PW'])} ${spaced(from(r, DIGITS, 6), 2)} ${pick(r, [...'ABCD'])}`,
  },
  uk_nhs: { rule: 'national_id', make: (r) => nhs(r).replace(/(...)(...)(....)/, '$1 $2 $3') },
  uk_nhs_plain: { rule: 'national_id', make: nhs },
  ca_sin: { rule: 'national_id', make: (r) => spaced(sin(r), 3) },
  ca_sin_plain: { rule: 'national_id', make: sin },
  se_pnr: { rule: 'national_id', make: (r) => personnummer(r).replace(/(.{6})/, '$1-') },
  se_pnr_plain: { rule: 'national_id', make: personnummer },
  se_pnr_long: { rule: 'national_id', make: (r) => `19${personnummer(r).replace(/(.{6})/, '$1-')}` },
  card_wrapped: { rule: 'credit_card', make: (r) => wrapped(card16(r)) },
  card_halves: { rule: 'credit_card', make: (r) => card16(r).replace(/(.{8})/, '$1\n') },
  card_shy: { rule: 'credit_card', make: (r) => grouped(card16(r), '\u00ad') },
  de_steuer: { rule: 'national_id', make: steuerId },
  br_cpf: { rule: 'national_id', make: (r) => cpf(r).replace(/(...)(...)(...)(..)/, '$1.$2.$3-$4') },
  br_cpf_plain: { rule: 'national_id', make: cpf },
  in_aadhaar: { rule: 'national_id', make: (r) => spaced(verhoeffCheck(`${int(r, 2, 9)}${from(r, DIGITS, 10)}`), 4) },
  pl_pesel: { rule: 'national_id', make: pesel },
  nl_bsn: {
    rule: 'national_id',
    make: (r) =>
      until(
        () => `${int(r, 1, 8)}${from(r, DIGITS, 8)}`,
        (v) => [9, 8, 7, 6, 5, 4, 3, 2, -1].reduce((s, w, i) => s + w * Number(v[i]), 0) % 11 === 0,
      ),
  },
  phone_us: {
    rule: 'phone',
    make: (r) => `${pick(r, ['212', '415', '617', '303'])}-${int(r, 201, 999)}-${pad(int(r, 0, 9999), 4)}`,
  },
  phone_us_paren: {
    rule: 'phone',
    make: (r) => `(${pick(r, ['212', '415', '617', '303'])}) ${int(r, 201, 999)}-${pad(int(r, 0, 9999), 4)}`,
  },
  phone_us_dots: {
    rule: 'phone',
    make: (r) => `${pick(r, ['212', '415', '617'])}.${int(r, 201, 999)}.${pad(int(r, 0, 9999), 4)}`,
  },
  phone_e164: {
    rule: 'phone',
    make: (r) =>
      pick(r, [
        `+1212${int(r, 201, 999)}${pad(int(r, 0, 9999), 4)}`,
        `+4915112${from(r, DIGITS, 6)}`,
        `+3361${from(r, DIGITS, 7)}`,
      ]),
  },
  phone_intl: {
    rule: 'phone',
    make: (r) =>
      pick(r, [
        `+49 30 ${from(r, '2345', 8)}`,
        `+44 20 7946 ${pad(int(r, 0, 999), 4)}`,
        `+33 6 1${from(r, DIGITS, 1)} ${spaced(from(r, DIGITS, 6), 2)}`,
        `+1 415-${int(r, 201, 999)}-${pad(int(r, 0, 9999), 4)}`,
        `+34 61${from(r, DIGITS, 1)} ${spaced(from(r, DIGITS, 6), 3)}`,
        `+41 79 ${from(r, '2345', 3)} ${from(r, DIGITS, 2)} ${from(r, DIGITS, 2)}`,
      ]),
  },
  phone_de: {
    rule: 'phone',
    make: (r) => pick(r, [`030 ${from(r, '23456', 8)}`, `0151 1${from(r, DIGITS, 7)}`, `089/${from(r, '23456', 6)}`]),
  },
  phone_fr: { rule: 'phone', make: (r) => `0${int(r, 6, 7)} ${spaced(from(r, '3456', 8), 2)}` },
  phone_es: { rule: 'phone', make: (r) => `6${from(r, '1234', 2)} ${spaced(from(r, DIGITS, 6), 3)}` },
  phone_uk: {
    rule: 'phone',
    make: (r) => pick(r, [`07700 9${from(r, DIGITS, 5)}`, `020 7946 0${from(r, DIGITS, 3)}`]),
  },
  phone_br: { rule: 'phone', make: (r) => `(11) 9${from(r, '6789', 4)}-${from(r, DIGITS, 4)}` },
  phone_ru: { rule: 'phone', make: (r) => `+7 916 ${from(r, '23456', 3)}-${from(r, DIGITS, 2)}-${from(r, DIGITS, 2)}` },
  phone_cn: { rule: 'phone', make: (r) => `138${from(r, DIGITS, 8)}` },
  phone_jp: { rule: 'phone', make: (r) => `090-${from(r, '123456', 4)}-${from(r, DIGITS, 4)}` },
  ipv4: {
    rule: 'ip_address',
    make: (r) => `${pick(r, [23, 52, 81, 93, 145, 203, 192])}.${int(r, 1, 250)}.${int(r, 1, 250)}.${int(r, 1, 250)}`,
  },
  ipv6: {
    rule: 'ip_address',
    make: (r) =>
      pick(r, [
        `2001:db8:${from(r, HEX, 4)}::${from(r, HEX, 3)}1`,
        `fe80::${from(r, '123456', 4)}:${from(r, HEX, 4)}`,
        `2a02:${Array.from({ length: 7 }, () => `1${from(r, HEX, 3)}`).join(':')}`,
      ]),
  },
  mac: {
    rule: 'mac_address',
    make: (r) => Array.from({ length: 6 }, (_, i) => (i === 0 ? '3c' : from(r, HEX, 2))).join(pick(r, [':', '-'])),
  },
  date: { rule: 'date_of_birth', make: (r) => `${int(r, 1940, 2005)}-${pad(int(r, 1, 12))}-${pad(int(r, 1, 28))}` },
  date_slash: {
    rule: 'date_of_birth',
    make: (r) => `${pad(int(r, 1, 28))}/${pad(int(r, 1, 12))}/${int(r, 1940, 2005)}`,
  },
  date_dots: {
    rule: 'date_of_birth',
    make: (r) => `${pad(int(r, 1, 28))}.${pad(int(r, 1, 12))}.${int(r, 1940, 2005)}`,
  },
  date_long: {
    rule: 'date_of_birth',
    make: (r) =>
      pick(r, [
        `${int(r, 1, 28)} ${pick(r, MONTH_NAMES)} ${int(r, 1940, 2005)}`,
        `${pick(r, MONTH_NAMES)} ${int(r, 1, 28)}, ${int(r, 1940, 2005)}`,
      ]),
  },
  passport: {
    rule: 'passport',
    make: (r) =>
      pick(r, [
        `C0${from(r, DIGITS, 1)}X${from(r, DIGITS, 5)}`,
        from(r, '123456789', 9),
        `${from(r, UPPER, 2)}${from(r, DIGITS, 7)}`,
      ]),
  },
  licence: {
    rule: 'driving_licence',
    make: (r) =>
      pick(r, [`D${from(r, DIGITS, 7)}`, `S${from(r, DIGITS, 12)}`, `B072${from(r, UPPER, 3)}${from(r, DIGITS, 4)}`]),
  },

  aws_id: { rule: 'aws_access_key', make: (r) => `${pick(r, ['AKIA', 'ASIA'])}${from(r, `${UPPER}234567`, 16)}` },
  aws_secret: { rule: 'aws_secret_key', make: (r) => from(r, BASE64, 40) },
  github: { rule: 'github_token', make: (r) => checked(pick(r, ['ghp_', 'gho_', 'ghs_']), from(r, BASE62, 30)) },
  github_pat: { rule: 'github_token', make: (r) => `github_pat_${from(r, ALNUM, 22)}_${from(r, ALNUM, 59)}` },
  gitlab: { rule: 'gitlab_token', make: (r) => `glpat-${from(r, URLSAFE, 20)}` },
  slack: {
    rule: 'slack_token',
    make: (r) => `xoxb-${from(r, DIGITS, 12)}-${from(r, DIGITS, 12)}-${from(r, ALNUM, 24)}`,
  },
  slack_hook: {
    rule: 'slack_webhook',
    make: (r) =>
      `https://hooks.slack.com/services/T${from(r, UPPER + DIGITS, 8)}/B${from(r, UPPER + DIGITS, 8)}/${from(r, ALNUM, 24)}`,
  },
  discord_hook: {
    rule: 'discord_webhook',
    make: (r) => `https://discord.com/api/webhooks/${from(r, DIGITS, 18)}/${from(r, URLSAFE, 68)}`,
  },
  stripe: { rule: 'stripe_key', make: (r) => `sk_live_${from(r, ALNUM, pick(r, [24, 99]))}` },
  stripe_rk: { rule: 'stripe_key', make: (r) => `rk_live_${from(r, ALNUM, 24)}` },
  google: { rule: 'google_api_key', make: (r) => `AIza${from(r, URLSAFE, 35)}` },
  openai: { rule: 'openai_key', make: (r) => `sk-proj-${from(r, URLSAFE, 74)}T3BlbkFJ${from(r, URLSAFE, 74)}` },
  openai_old: { rule: 'openai_key', make: (r) => `sk-${from(r, ALNUM, 20)}T3BlbkFJ${from(r, ALNUM, 20)}` },
  anthropic: { rule: 'anthropic_key', make: (r) => `sk-ant-api03-${from(r, URLSAFE, 93)}AA` },
  npm: { rule: 'npm_token', make: (r) => checked('npm_', from(r, BASE62, 30)) },
  pypi: { rule: 'pypi_token', make: (r) => `pypi-AgEIcHlwaS5vcmc${from(r, URLSAFE, 120)}` },
  jwt: { rule: 'jwt', make: jwt },
  pem: { rule: 'private_key', make: (r) => pem(r, pick(r, ['', 'RSA '])) },
  pem_ec: { rule: 'private_key', make: (r) => pem(r, 'EC ') },
  pem_ssh: { rule: 'private_key', make: (r) => pem(r, 'OPENSSH ') },
  password: { rule: 'password', make: (r) => pick(r, PASSWORDS) },
  hex64: { rule: 'secret', make: (r) => from(r, HEX, 64) },
  hex40: { rule: 'secret', make: (r) => from(r, HEX, 40) },
  hex32: { rule: 'secret', make: (r) => from(r, HEX, 32) },
  b64_40: { rule: 'secret', make: (r) => from(r, URLSAFE, 40) },
  azure_key: { rule: 'azure_key', make: (r) => `${from(r, BASE64, 86)}==` },
  sendgrid: { rule: 'sendgrid_key', make: (r) => `SG.${from(r, URLSAFE, 22)}.${from(r, URLSAFE, 43)}` },
  huggingface: { rule: 'huggingface_token', make: (r) => `hf_${from(r, LOWER + UPPER, 34)}` },
  doppler: { rule: 'doppler_token', make: (r) => `dp.pt.${from(r, ALNUM, 43)}` },
  digitalocean: { rule: 'digitalocean_token', make: (r) => `dop_v1_${from(r, HEX, 64)}` },
  shopify: { rule: 'shopify_token', make: (r) => `shpat_${from(r, HEX, 32)}` },
  telegram: { rule: 'telegram_token', make: (r) => `${from(r, '123456789', 10)}:AA${from(r, URLSAFE, 33)}` },
  keeptrusts: {
    rule: 'keeptrusts_key',
    make: (r) => {
      const body = `kt_gk_${from(r, BASE62, 43)}`
      return body + base62(crc32(body), 6)
    },
  },
}

/** Values that look alike and must be left alone. */
export const DECOYS: Readonly<Record<string, (random: Random) => string>> = {
  order: (r) => `${pick(r, ['', 'PO-', 'A'])}${from(r, DIGITS, int(r, 5, 9))}`,
  invoice: (r) => `INV-${int(r, 2019, 2026)}-${from(r, DIGITS, 5)}`,
  slug: (r) => `${pick(r, ['org', 'team-a', 'web'])}/${pick(r, ['repo', 'shop_v2', 'api.docs'])}`,
  bad_nhs: (r) => wrongLast(nhs(r)).replace(/(...)(...)(....)/, '$1 $2 $3'),
  bad_sin: (r) => spaced(wrongLast(sin(r)), 3),
  date_serial: (r) => `${pad(int(r, 19, 26))}${pad(int(r, 1, 12))}${pad(int(r, 1, 28))}-${from(r, DIGITS, 4)}`,
  digits7: (r) => from(r, '123456789', 7),
  digits8: (r) => from(r, '123456789', 8),
  digits9: (r) => from(r, '123456789', 9),
  digits10: (r) => from(r, '123456789', 10),
  digits12: (r) => from(r, '123456789', 12),
  digits16: (r) => from(r, '123456789', 16),
  date: (r) => `${int(r, 2010, 2026)}-${pad(int(r, 1, 12))}-${pad(int(r, 1, 28))}`,
  date_long: (r) => `${int(r, 1, 28)} ${pick(r, MONTH_NAMES)} ${int(r, 1789, 2026)}`,
  date_dots: (r) => `${pad(int(r, 1, 28))}.${pad(int(r, 1, 12))}.${int(r, 1815, 2026)}`,
  time: (r) => `${pad(int(r, 0, 23))}:${pad(int(r, 0, 59))}`,
  temp: (r) => `${int(r, -20, 40)}.${int(r, 0, 9)} C`,
  year: (r) => String(int(r, 1900, 2030)),
  price: (r) => `${pick(r, ['$', '€', ''])}${int(r, 1, 99_999)}.${pad(int(r, 0, 99))}`,
  bigint: (r) => String(int(r, 1_000_000, 999_999_999)),
  thousands: (r) => `${int(r, 1, 999)},${pad(int(r, 0, 999), 3)},${pad(int(r, 0, 999), 3)}`,
  version: (r) => `${int(r, 1, 30)}.${int(r, 0, 30)}.${int(r, 0, 30)}`,
  version4: (r) => `${int(r, 400, 560)}.${int(r, 0, 30)}.${int(r, 0, 99)}.${int(r, 1000, 9999)}`,
  section: (r) => `${int(r, 1, 12)}.${int(r, 1, 12)}.${int(r, 1, 12)}.${int(r, 1, 12)}`,
  isbn13: (r) => `978-${int(r, 0, 9)}-${from(r, DIGITS, 3)}-${from(r, DIGITS, 5)}-${int(r, 0, 9)}`,
  isbn10: (r) => `${int(r, 0, 9)}-${from(r, DIGITS, 4)}-${from(r, DIGITS, 4)}-${int(r, 0, 9)}`,
  ean: (r) => `40${from(r, DIGITS, 11)}`,
  epoch: (r) => String(int(r, 1_500_000_000, 1_900_000_000)),
  epoch_ms: (r) => String(int(r, 1_500_000_000_000, 1_900_000_000_000)),
  ms: (r) => String(int(r, 1, 99_999)),
  iso: (r) => new Date(int(r, 1.5e12, 1.9e12)).toISOString(),
  uuid: (r) => [8, 4, 4, 4, 12].map((length) => from(r, HEX, length)).join('-'),
  sha: (r) => from(r, HEX, 40),
  sha256: (r) => from(r, HEX, 64),
  sha512b64: (r) => `${from(r, BASE64, 86)}==`,
  latlon: (r) => `${int(r, -89, 89)}.${from(r, DIGITS, 6)}, ${int(r, -179, 179)}.${from(r, DIGITS, 6)}`,
  smallnums: (r) => Array.from({ length: 8 }, () => int(r, 0, 99)).join(' '),
  partno: (r) => `${from(r, UPPER, 3)}-${from(r, DIGITS, 4)}-${from(r, UPPER, 1)}${int(r, 1, 9)}`,
  flight: (r) => String(int(r, 100, 9999)),
  batch: (r) => `L${from(r, DIGITS, 6)}`,
  txn: (r) => `${from(r, DIGITS, 4)}-${from(r, HEX, 6)}-${from(r, DIGITS, 6)}`,
  hex8: (r) => from(r, HEX, 8),
  hex16: (r) => from(r, HEX, 16),
  hex20: (r) => from(r, HEX, 20),
  hex32: (r) => from(r, HEX, 32),
  hex40: (r) => from(r, HEX, 40),
  oid: (r) => from(r, HEX, 24),
  b64_22: (r) => from(r, URLSAFE, 22),
  b64_40: (r) => from(r, BASE64, 40),
  b64_long: (r) => from(r, BASE64, 200),
  fingerprint: (r) => Array.from({ length: 20 }, () => from(r, HEX, 2).toUpperCase()).join(':'),
}
