import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { EVENT_FILTER_FIELDS } from '@/lib/contract/events'
import { ROLE_IDS } from '@/lib/contract/permissions'
import { ERROR_STATUS, isErrorCode } from '@/lib/errors'
import { FALLBACK_TRIGGERS, ROUTING_STRATEGIES } from '@/lib/policy/config/routing'
import { parseToken, TOKEN_PATTERN } from '@/lib/tokens'
import { ERROR_WORDS } from './error-words'

const ROOT = join(import.meta.dirname, '../..')
const read = (path: string) => readFileSync(join(ROOT, path), 'utf8')
const failureModes = read('docs/failure-modes.md')
const keys = read('docs/keys.md')

/** What a document does not say of what is there. */
const missing = (text: string, wanted: Iterable<string>) => [...wanted].filter((word) => !text.includes(word))
const sourceOf = (path: string) =>
  path.endsWith('/')
    ? readdirSync(join(ROOT, path), { encoding: 'utf8' })
        .filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts'))
        .map((name) => read(join(path, name)))
        .join('\n')
    : read(path)
const codesIn = (path: string, pattern: RegExp) => [
  ...new Set([...sourceOf(path).matchAll(pattern)].map((match) => match[1] ?? '')),
]

describe('failure modes', () => {
  test('say of every error of the control plane what the reference says', () => {
    const rows = Object.keys(ERROR_STATUS)
      .filter(isErrorCode)
      .map(
        (code) => `| \`${code}\` | ${ERROR_STATUS[code]} | ${ERROR_WORDS[code].cause} | ${ERROR_WORDS[code].check} |`,
      )
    expect(missing(failureModes, rows)).toEqual([])
  })

  test.each([
    ['error of the gateway', 'gateway/errors.ts', /^ {2}(\w+): \[\d{3}, /gm, 20],
    ['reason to refuse a bundle', 'gateway/bundle.ts', /^ {2}\| '(\w+)'$/gm, 8],
    ['state of the delivery of events', 'gateway/delivery.ts', /'((?:event_delivery|control_plane)_\w+)'/g, 3],
    ['reason of a gateway not to start', 'gateway/start-error.ts', /^ {2}(\w+): \d,$/gm, 5],
    ['finding about a configuration', 'lib/policy/config/', /'([EW]\d{3})'/g, 12],
  ])('name every %s', (_, path, pattern, least) => {
    const codes = codesIn(path, pattern)
    expect(codes.length).toBeGreaterThanOrEqual(least)
    expect(
      missing(
        failureModes,
        codes.map((code) => `| \`${code}\``),
      ),
    ).toEqual([])
  })

  test('name every exit code of kt', () => {
    const codes = codesIn('cli/failure.ts', /^ {2}\w+: (\d+),$/gm).filter((code) => Number(code) < 200)
    expect(codes).toContain('5')
    expect(
      missing(
        failureModes,
        codes.map((code) => `\n| ${code} | `),
      ),
    ).toEqual([])
  })

  test('quote every sentence with which a start ends', () => {
    const sources = [
      'scripts/bootstrap.mjs',
      ...['server', 'gateway'].flatMap((folder) =>
        readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
          .filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts'))
          .map((name) => `${folder}/${name}`),
      ),
    ]
    const sentences = sources.flatMap((path) =>
      codesIn(path, /new (?:Obstacle|StartError|GatewayStartError)\(\s*(?:'\w+',\s*)?('[^'\n]*'|`[^`]*`)/g),
    )
    expect(sentences.length).toBeGreaterThan(25)
    const told = sentences.map(steadyPart).filter((words) => !words.startsWith('Usage: '))
    expect(missing(failureModes, told)).toEqual([])
  })
})

describe('keys', () => {
  test('publish the pattern and a token that it and the checksum accept', () => {
    const example = /`(kt_gk_test_\w+)`/.exec(keys)?.[1] ?? ''
    expect(keys).toContain(`\n${TOKEN_PATTERN.source}\n`)
    expect(parseToken(example)).toEqual({ kind: 'gk', label: 'test' })
  })

  test('name every role', () => {
    expect(missing(keys, ROLE_IDS)).toEqual([])
  })
})

test('routing and limits say every strategy, every reason for another attempt and every header', () => {
  const document = read('docs/routing-and-limits.md')
  const rows = [
    ...ROUTING_STRATEGIES.map((name) => `| \`${name}\` |`),
    ...FALLBACK_TRIGGERS.map((name) => `\`${name}\``),
  ]
  const headers = codesIn('gateway/answering.ts', /'(x-keeptrusts-[\w-]+)'/g).map((name) => `\`${name}\``)
  expect(headers.length).toBeGreaterThanOrEqual(4)
  expect(missing(document, [...rows, ...headers])).toEqual([])
})

test('every field of a filter is in the conventions', () => {
  const fields = Object.keys(EVENT_FILTER_FIELDS).map((name) => `\`${name}\``)
  expect(missing(read('docs/api-conventions.md'), fields)).toEqual([])
})

test('every link from one document to another leads somewhere', () => {
  const documents = readdirSync(join(ROOT, 'docs')).filter((name) => name.endsWith('.md'))
  const broken = documents.flatMap((name) =>
    [...read(`docs/${name}`).matchAll(/\]\(([\w./-]*\.md)?(#[\w-]+)?\)/g)]
      .filter(([, path = name, anchor]) => !anchorsOf(join('docs', path)).includes(anchor ?? ''))
      .map((match) => `${name}: ${match[0]}`),
  )
  expect(documents.length).toBeGreaterThan(5)
  expect(broken).toEqual([])
})

/** The longest run of a sentence without a value in it, without what ends it. */
function steadyPart(literal: string): string {
  const parts = literal.slice(1, -1).split(/\$\{[^}]*\}/)
  return (parts.sort((a, b) => b.length - a.length)[0] ?? '').trim().slice(0, 40).trim()
}

/** As GitHub makes them from headings; the empty one is the document itself. */
function anchorsOf(path: string): string[] {
  try {
    const headings = [...read(path).matchAll(/^#+ (.+)$/gm)].map((match) => match[1] ?? '')
    return [
      '',
      ...headings.map(
        (text) =>
          `#${text
            .toLowerCase()
            .replace(/[^\w\- ]/g, '')
            .replaceAll(' ', '-')}`,
      ),
    ]
  } catch {
    return []
  }
}
