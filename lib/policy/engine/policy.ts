import type { z } from 'zod'
import type { Caller, Part, Phase, Subject } from './subject'
import type { TextFacts } from './text-facts'

/** Offsets in UTF-16 units of a part's own text; `end` is exclusive. */
export type Span = { start: number; end: number }

export type Redaction = Span & {
  /** Index into `subject.parts`. */
  part: number
  replacement: string
}

/** What was found where; never the text itself, because findings are recorded. */
export type Detection = Span & { rule: string; part: number }

export type Skipped = { what: string; why: string }

/** What one policy says about one subject. `message` is for the caller and must not repeat what was found. */
export type Finding = {
  verdict: 'allow' | 'redact' | 'block' | 'escalate'
  /** Dotted, such as `pii.detected`; `ok` when there is nothing to say. */
  reasonCode: string
  message: string | null
  redactions: readonly Redaction[]
  /** Whole new texts of parts; applied after redactions and in chain order. */
  rewrites: readonly { part: number; text: string }[]
  /** Annotations for the record that change nothing, such as `bias.suspected`. */
  flags: readonly string[]
  detections: readonly Detection[]
  /** What it did not look at, and why. */
  skipped: readonly Skipped[]
  /** Ids of the targets that may still be used; null when it does not care. */
  targets: readonly string[] | null
}

/** Nothing to say. */
export const CLEAN: Finding = {
  verdict: 'allow',
  reasonCode: 'ok',
  message: null,
  redactions: [],
  rewrites: [],
  flags: [],
  detections: [],
  skipped: [],
  targets: null,
}

/** A literal of a policy that the chain's one scanner looks for. */
export type Term = {
  /** Matched without regard to case, on normalised text (NFKC, no zero-width characters, homoglyphs folded). */
  text: string
  /** Only between characters that are neither letters nor digits. */
  wholeWord: boolean
  /** What begins inside a word of ASCII is left out; what begins inside any other word the policy passes over itself. */
  isOnlyAtWordStart?: boolean
  /** The policy asks only whether it occurs: the scanner reports its first hit in a text and no other. */
  isFirstOnly?: boolean
}

/** `term` is the index into the policy's own terms; the span lies in the part's original text. */
export type TermHit = Span & { term: number }

/** A text as policies compare it, with the way back to where it came from. */
export type NormalText = {
  text: string
  /** The span of the original text from which a span of the normal text was made. */
  origin(start: number, end: number): Span
}

/** Text that was hidden in a part by an encoding; the span is that of the encoded form. */
export type DecodedText = Span & { text: string; encoding: 'base64' | 'hex' | 'url' }

/** A part that a policy may read. Who only asks for its kind has not read it; the record tells the two apart. */
export type Readable = { part: Part; index: number; kind: Part['kind'] }

/** What a policy looks through. Computed once per part however many policies ask. */
export type View = {
  subject: Subject
  /** Milliseconds since the epoch: policies have no clock of their own. */
  nowMs: number
  /** Parts this policy should look at, with their index: text-like, within its byte budget. */
  readable(): readonly Readable[]
  hits(partIndex: number): readonly TermHit[]
  normal(partIndex: number): NormalText
  decoded(partIndex: number): readonly DecodedText[]
  facts(partIndex: number): TextFacts
}

/** What a policy that asks somebody else may use. The gateway lends the guarded outbound client; tests lend their own. */
export type Ports = {
  /** @throws when there is no answer in time, no permission for the address, or a body that is no JSON */
  postJson(
    url: string,
    body: unknown,
    options: { headers: Readonly<Record<string, string>>; timeoutMs: number },
  ): Promise<{ status: number; body: unknown }>
  /** A secret by its reference; null when it is not set. */
  secret(ref: { env: string } | { store: string }): string | null
}

/**
 * How a policy follows an answer that is still being written.
 *
 * - `buffered`: it must see the whole, so the whole is held back.
 * - realtime: `check` on a window gives the same spans as on the whole, as long as the window holds `lookBehind` characters
 *   before them and everything from `pendingFrom` on is checked again later.
 */
export type Streaming =
  | 'buffered'
  | {
      /** Where a match may still begin or grow once more text comes; `text.length` when nothing is pending. */
      pendingFrom(text: string): number
      /** Characters before a match that its decision depends on. */
      lookBehind: number
    }

/** A policy of a chain, compiled and ready. It holds no state between calls. */
export type Policy = {
  kind: string
  /** Version of its rules, for the coverage record. */
  version: string
  phases: readonly Phase[]
  terms: readonly Term[]
  onError: 'deny' | 'allow'
  streaming: Streaming
  /** What it does, in sentences, for `kt policy explain`. */
  explain: readonly string[]
  /** At most this many bytes of text per request are read; the rest is recorded as skipped. */
  bytesMax: number
  check(view: View): Finding
  /** For kinds that ask somebody else; runs after every `check` of its phase and replaces the finding of its own. */
  ask?(view: View, ports: Ports): Promise<Finding>
  /**
   * Whether it judges in the input phase what an MCP server answers or says by itself too: a model will read that, by whatever
   * way it gets there. Such a policy blocks and flags, and changes nothing.
   */
  readsResults?: boolean
  /** Whether it would refuse every call of a tool by this caller, whatever the arguments: lists of tools leave such a tool out. */
  refusesTool?(name: string, caller: Caller): boolean
}

export type CompileContext = {
  /** Environment and stored secrets are looked up when they are needed, not before. */
  hasSecret(ref: { env: string } | { store: string }): boolean
  /** The kinds of the whole chain, in order; left out where a policy is compiled on its own. */
  chain?: readonly string[]
}

/** A kind of policy: data about it, the shape of its settings and the one function that makes a policy of them. */
export type PolicyKind<Settings> = {
  kind: string
  version: string
  /** One sentence for documentation and editors. */
  summary: string
  phases: readonly Phase[]
  /** Strict, with every default filled in. Includes `on_error`. */
  settings: z.ZodType<Settings>
  /** Whether a chain may name it without a block under `policy` (E003 otherwise). */
  needsBlock: boolean
  compile(settings: Settings, context: CompileContext): Policy
  /** Fetches large tables into memory. Until it has been waited for, `check` of its policies throws. */
  load?(): Promise<void>
}
