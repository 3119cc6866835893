import { parseJson } from '../parse-json'
import { type Chain, compileChain } from './engine/chain'
import { decidePhase } from './engine/decide'
import type { PolicyKind } from './engine/policy'
import type { Part, Subject } from './engine/subject'
import { DLP_FILTER } from './kinds/dlp-filter'
import { PII_DETECTOR } from './kinds/pii-detector'

/** A document cannot be looked through as a whole, so that no copy of it may be kept as masked. */
export class Unmaskable extends Error {
  override readonly name = 'Unmaskable'
}

const DEPTH_MAX = 64
const TEXTS_MAX = 20_000
/** Shorter runs may be words. */
const CODED_LENGTH_MIN = 256
/** Numbers in a row that are more likely to be tokens or a vector, from which a text can be told, than data. */
const VECTOR_LENGTH_MIN = 8
/** For each of the two detectors, in milliseconds: nobody else is served meanwhile. */
const MASK_MS_MAX = 1_000
/** A number below has too few digits to be anybody's. */
const NUMBER_MIN = 100

/**
 * A copy of a JSON document in which personal data and secrets are masked, as the policies `pii-detector` and `dlp-filter`
 * find them with their default settings and healthcare numbers. Unlike policies it reads every text, number and name in
 * the document, each after the name it stands under, and JSON inside of texts. What cannot be read (base64, vectors, log
 * probabilities) is replaced by what it was. A name of a person in a sentence is not found, neither here nor there.
 *
 * @throws Unmaskable when there is more in it than is looked through
 */
export function maskJson(document: unknown): unknown {
  const collector = new Collector()
  visit(document, collector, '', 0)
  return visit(document, new Writer(maskTexts(collector.texts)), '', 0)
}

/** Both passes meet the same texts in the same order: the first takes them down, the second puts the masked ones in. */
type Pass = { text(text: string): string }

class Collector implements Pass {
  readonly texts: string[] = []

  text(text: string): string {
    if (this.texts.length >= TEXTS_MAX) throw new Unmaskable(`more than ${TEXTS_MAX} texts`)
    this.texts.push(text)
    return text
  }
}

class Writer implements Pass {
  #next = 0

  constructor(readonly masked: readonly string[]) {}

  text(text: string): string {
    return this.masked[this.#next++] ?? text
  }
}

function visit(value: unknown, pass: Pass, name: string, depth: number): unknown {
  if (typeof value === 'string') return visitText(value, pass, name, depth)
  if (typeof value === 'number') {
    if (!Number.isInteger(value) || Math.abs(value) < NUMBER_MIN) return value
    const text = named(pass, name, String(value))
    return text === String(value) ? value : text
  }
  if (typeof value !== 'object' || value === null) return value
  if (depth >= DEPTH_MAX) throw new Unmaskable(`nested deeper than ${DEPTH_MAX} levels`)
  if (Array.isArray(value)) {
    const isVector = value.length >= VECTOR_LENGTH_MIN && value.every((item) => typeof item === 'number')
    return isVector ? `[${value.length} numbers]` : value.map((item) => visit(item, pass, name, depth + 1))
  }
  // Defined one by one from entries: a name may be __proto__.
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [
      TELLING_NAME.test(key) ? pass.text(key) : key,
      key === 'logprobs' ? null : visit(item, pass, key, depth + 1),
    ]),
  )
}

function visitText(text: string, pass: Pass, name: string, depth: number): unknown {
  if (DATA_URL.test(text)) return `[${text.slice('data:'.length, text.search(/[;,]/))}, ${text.length} characters]`
  if (text.length >= CODED_LENGTH_MIN && CODED.test(text)) return `[base64, ${text.length} characters]`
  const json = JSON_START.test(text) ? parsed(text) : undefined
  if (json === undefined) return named(pass, name, text)
  const inner = JSON.stringify(visit(json, pass, name, depth + 1))
  return inner === JSON.stringify(json) ? text : inner
}

/** Names tell what a value is: `ssn`, `password`. */
function named(pass: Pass, name: string, text: string): string {
  if (text === '') return text
  if (name === '' || CONTENT_NAMES.has(name)) return pass.text(text)
  const head = `${name}: `
  const masked = pass.text(head + text)
  return masked.startsWith(head) ? masked.slice(head.length) : masked
}

const CONTENT_NAMES: ReadonlySet<string> = new Set(['content', 'text', 'input', 'output', 'arguments', 'prompt'])
/** A name that may hold data itself. */
const TELLING_NAME = /[@\d]|.{40}/
const DATA_URL = /^data:[^,]{0,300},/
const CODED = /^[A-Za-z0-9+/_=-]+$/
const JSON_START = /^\s{0,16}[[{]/

function parsed(text: string): unknown {
  try {
    return parseJson(text)
  } catch {
    return undefined // it only looked like JSON, and is read as a text
  }
}

/** @throws Unmaskable when a detector failed */
function maskTexts(texts: readonly string[]): readonly string[] {
  const parts = texts.map((text, message): Part => ({ ...PART, path: [message], message, text }))
  chain ??= compileChain(
    [entryOf(PII_DETECTOR, { healthcare_mode: true }), entryOf(DLP_FILTER, {})],
    { hasSecret: () => false },
    { clock: () => performance.now(), policyMsMax: MASK_MS_MAX },
  )
  const decision = decidePhase(chain, { ...SUBJECT, parts }, 0)
  if (decision.verdict === 'block') throw new Unmaskable('a detector failed', { cause: decision.failures[0]?.cause })
  return texts.map((text, at) => decision.texts.get(at) ?? text)
}

/** Made when it is first needed: its patterns take a while. */
let chain: Chain | undefined

const entryOf = <S>(kind: PolicyKind<S>, settings: object) => ({
  kind: kind as PolicyKind<unknown>,
  settings: kind.settings.parse(settings),
})

const PART = { kind: 'text', role: 'user', media: null } as const
const SUBJECT: Omit<Subject, 'parts'> = {
  phase: 'output',
  apiShape: '',
  model: '',
  toolCalls: [],
  tools: [],
  caller: {
    identity: 'anonymous',
    tokenId: null,
    teamId: null,
    userId: null,
    agentId: null,
    ip: '',
    headers: {},
  },
  targets: [],
  conversation: null,
  requestParts: [],
}
