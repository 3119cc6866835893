import type { Chain } from './chain'
import { decodeHidden } from './decode'
import { normalise, plainText } from './normalise'
import type { DecodedText, NormalText, Policy, Readable, Skipped, TermHit, View } from './policy'
import type { Part, Subject } from './subject'
import { factsOf, type TextFacts } from './text-facts'
import { step } from './time-limit'

/** What all policies of a chain share about one subject. Everything is computed when it is first asked for. */
export class SharedText {
  readonly #normal: (NormalText | undefined)[] = []
  readonly #decoded: (ReturnType<typeof decodeHidden> | undefined)[] = []
  readonly #facts: (TextFacts | undefined)[] = []
  /** By part, then by policy. */
  readonly #hits: (readonly (readonly TermHit[] | undefined)[] | undefined)[] = []
  #unreadable: readonly Skipped[] | null = null

  constructor(
    readonly chain: Chain,
    readonly subject: Subject,
    readonly nowMs: number,
  ) {}

  textOf(part: number): string {
    const found = this.subject.parts[part]
    if (found === undefined) throw new RangeError(`There is no part ${part}.`)
    return found.text
  }

  facts(part: number): TextFacts {
    const known = this.#facts[part]
    if (known !== undefined) return known
    const facts = factsOf(this.textOf(part))
    this.#facts[part] = facts
    return facts
  }

  normal(part: number): NormalText {
    const known = this.#normal[part]
    if (known !== undefined) return known
    const text = this.textOf(part)
    const normal = this.facts(part).isPlain ? plainText(text) : normalise(text)
    this.#normal[part] = normal
    return normal
  }

  decoded(part: number): ReturnType<typeof decodeHidden> {
    const known = this.#decoded[part]
    if (known !== undefined) return known
    const decoded = decodeHidden(this.textOf(part))
    this.#decoded[part] = decoded
    return decoded
  }

  hits(part: number, policy: number): readonly TermHit[] {
    return (this.#hits[part] ?? this.#scan(part))[policy] ?? NO_HITS
  }

  /** What no policy can read as text, and what the walk had left out before. */
  unreadable(): readonly Skipped[] {
    if (this.#unreadable !== null) return this.#unreadable
    const skipped: Skipped[] = [...(this.subject.skipped ?? [])]
    for (const kind of ['image', 'audio', 'file'] as const) {
      const isUnread = (part: Part) => part.kind === kind && part.media?.isRead !== true
      const count = this.subject.parts.reduce((sum, part) => sum + (isUnread(part) ? 1 : 0), 0)
      if (count > 0) skipped.push({ what: `${kind} (${count})`, why: 'not text' })
    }
    this.#unreadable = skipped
    return skipped
  }

  #scan(part: number): readonly (readonly TermHit[] | undefined)[] {
    const { scanner, owners } = this.chain
    const isPlain = this.facts(part).isPlain
    let byPolicy: TermHit[][] | null = null
    const keep = (index: number, start: number, end: number) => {
      const owner = owners[index]
      if (owner === undefined) return
      byPolicy ??= []
      const hit = isPlain
        ? { start, end, term: owner.term }
        : { ...this.normal(part).origin(start, end), term: owner.term }
      const hits = byPolicy[owner.policy]
      if (hits === undefined) byPolicy[owner.policy] = [hit]
      else hits.push(hit)
    }
    scanner.scan(isPlain ? this.textOf(part) : this.normal(part).text, keep)
    const hits = byPolicy ?? NO_HITS_AT_ALL
    this.#hits[part] = hits
    return hits
  }
}

const NO_HITS: readonly TermHit[] = []
const NO_HITS_AT_ALL: readonly (readonly TermHit[])[] = []

const isReadable = ({ kind }: Part) =>
  kind === 'text' || kind === 'label' || kind === 'tool_arguments' || kind === 'tool_result'

/**
 * One policy's eyes. It notes which parts the policy took up, so that the record says what was read and not what was
 * there: an entry of `readable()` counts when its `part` is looked at, a part when its hits, normal or decoded text is.
 */
export class PolicyView implements View {
  readonly subject: Subject
  readonly nowMs: number
  readonly #shared: SharedText
  readonly #policy: Policy
  readonly #index: number
  readonly #read = new Set<number>()
  readonly #cut = new Set<number>()
  #entries: readonly ReadableEntry[] | null = null
  #overBudget: number[] = []

  constructor(shared: SharedText, policy: Policy, index: number) {
    this.subject = shared.subject
    this.nowMs = shared.nowMs
    this.#shared = shared
    this.#policy = policy
    this.#index = index
  }

  readable(): readonly Readable[] {
    if (this.#entries !== null) return this.#entries
    const entries: ReadableEntry[] = []
    let bytesLeft = this.#policy.bytesMax
    for (const [index, part] of this.subject.parts.entries()) {
      if (!isReadable(part)) continue
      const bytes = this.#shared.facts(index).bytes
      if (bytes > bytesLeft) {
        this.#overBudget.push(index)
        continue
      }
      bytesLeft -= bytes
      entries.push(new ReadableEntry(part, index, this.#read))
    }
    this.#entries = entries
    return entries
  }

  hits(partIndex: number): readonly TermHit[] {
    step()
    this.#read.add(partIndex)
    return this.#shared.hits(partIndex, this.#index)
  }

  normal(partIndex: number): NormalText {
    step()
    this.#read.add(partIndex)
    return this.#shared.normal(partIndex)
  }

  facts(partIndex: number): TextFacts {
    step()
    this.#read.add(partIndex)
    return this.#shared.facts(partIndex)
  }

  decoded(partIndex: number): readonly DecodedText[] {
    step(8)
    this.#read.add(partIndex)
    const { found, isCut } = this.#shared.decoded(partIndex)
    if (isCut) this.#cut.add(partIndex)
    return found
  }

  /** Whether something was left out because the policy may read no more bytes. */
  get isOverBudget(): boolean {
    return this.#overBudget.length > 0
  }

  get skipped(): readonly Skipped[] {
    const why = `over ${this.#policy.bytesMax} bytes`
    const skipped = this.#overBudget.map((index) => ({ what: placeOf(this.subject.parts[index]), why }))
    for (const index of this.#cut) {
      skipped.push({ what: `encoded text in ${placeOf(this.subject.parts[index])}`, why: 'too much of it' })
    }
    if (this.#entries === null && this.#read.size === 0) return skipped
    const unread = this.#shared.unreadable()
    const untouched = this.#untouched()
    return skipped.length + untouched.length === 0 ? unread : [...skipped, ...untouched, ...unread]
  }

  /** Kinds of text that the policy does not care for. */
  #untouched(): Skipped[] {
    let counts: Map<Part['kind'], number> | null = null
    for (const { index, kind } of this.#entries ?? []) {
      if (this.#read.has(index)) continue
      counts ??= new Map()
      counts.set(kind, (counts.get(kind) ?? 0) + 1)
    }
    if (counts === null) return NOTHING_SKIPPED
    return [...counts].map(([kind, count]) => ({ what: `${kind} (${count})`, why: 'not what this policy reads' }))
  }

  /** What was read so far. */
  coverage(): { bytes: number; messages: number } {
    let bytes = 0
    const messages = new Set<number>()
    for (const index of this.#read) {
      bytes += this.#shared.facts(index).bytes
      const message = this.subject.parts[index]?.message ?? -1
      if (message >= 0) messages.add(message)
    }
    return { bytes, messages: messages.size }
  }
}

const NOTHING_SKIPPED: Skipped[] = []

class ReadableEntry implements Readable {
  readonly kind: Part['kind']
  readonly #part: Part
  readonly #read: Set<number>

  constructor(
    part: Part,
    readonly index: number,
    read: Set<number>,
  ) {
    this.kind = part.kind
    this.#part = part
    this.#read = read
  }

  get part(): Part {
    this.#read.add(this.index)
    return this.#part
  }
}

/** Where a part is, without saying what it says. */
export const placeOf = (part: Part | undefined): string =>
  part === undefined
    ? 'a part'
    : part.path
        .map((step) => (isStructure(step) ? step : '*'))
        .join('.')
        .slice(0, 180)

/** Names that the APIs give. Any other is a caller's or a model's own word and has no place in a record. */
const isStructure = (step: string | number) => typeof step === 'number' || STRUCTURE.has(step)
const STRUCTURE = new Set(
  (
    'messages content text name role refusal reasoning reasoning_content tool_calls function function_call custom ' +
    'arguments input output instructions system tools functions description parameters choices message delta ' +
    'image_url input_audio file source data document title summary params result structuredContent metadata user ' +
    'prompt prediction response_format json_schema schema audio transcript file_data file_url filename url input_schema ' +
    'enum default const examples properties items parsed segments error documents'
  ).split(' '),
)
