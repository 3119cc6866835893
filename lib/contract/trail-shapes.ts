import { z } from 'zod'
import { FINDING_STATES } from '../trail/findings'
import { idOf, instant } from './fields'

export const SINK_KINDS = ['file', 'webhook', 'object_store', 'witness'] as const
export type SinkKind = (typeof SINK_KINDS)[number]
export const VERIFICATION_STATES = ['queued', 'running', 'done', 'failed', 'cancelled'] as const
export const CHAIN_INTEGRITY = ['valid', 'invalid', 'incomplete', 'no_data'] as const
export type ChainIntegrity = (typeof CHAIN_INTEGRITY)[number]
/** A checkpoint as somebody kept it: a C2SP signed note. */
export const CHECKPOINT_LENGTH_MAX = 20_000

export const count = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER)
export const hex256 = z.string().regex(/^[0-9a-f]{64}$/)
const kid = z.string().regex(/^[0-9a-f]{32}$/)
const digestId = idOf('dig')

export const Alarm = z.object({
  /** What was found, in words. */
  message: z.string(),
  raised_at: instant,
})

export const TrailKey = z.object({
  /** First 16 bytes of the fingerprint, hex. */
  kid,
  /** SPKI (RFC 8410), base64. */
  public_key: z.string(),
  /** PEM of the same (RFC 7468). */
  pem: z.string(),
  /** SHA-256 over the SPKI, hex: what is compared over another way than this one, and pinned. */
  fingerprint: hex256,
  not_before: instant,
  /** Null while it signs. */
  not_after: instant.nullable(),
  predecessor_kid: kid.nullable(),
  /** By the key before, over the statement that names this one (docs/trail-format.md); base64. */
  predecessor_signature: z.string().nullable(),
})
export type TrailKey = z.infer<typeof TrailKey>

export const TrailSink = z.object({
  id: z.string(),
  kind: z.enum(SINK_KINDS),
  /** What it was made with; secrets are not among it. */
  settings: z.record(z.string(), z.string()),
  enabled: z.boolean(),
  /** Leaves in the last checkpoint it has taken. */
  last_size: count,
  last_ok_at: instant.nullable(),
  /** Why the last delivery failed; null when it did not. */
  last_error: z.string().nullable(),
  created_at: instant,
})
export type TrailSink = z.infer<typeof TrailSink>

export const TrailDigestSummary = z.object({
  digest_id: digestId,
  /** Contiguous from 0. */
  number: count,
  period_start: instant,
  period_end: instant,
  /** First and last `seq` that it adds; of an empty period the first is one behind the last. */
  seq_start: count,
  seq_end: count,
  event_count: count,
  tree_size: count,
  root_hash: hex256,
  kid,
  /** Where it is in the object store. */
  storage_key: z.string(),
  created_at: instant,
})
export type TrailDigestSummary = z.infer<typeof TrailDigestSummary>

/** The fields that are signed, as docs/trail-format.md has them. */
export const SignedDigestFields = z.object({
  v: z.literal(1),
  origin: z.string(),
  org: z.string(),
  digest_id: digestId,
  number: count,
  period_start: z.string(),
  period_end: z.string(),
  seq_start: count,
  seq_end: count,
  event_count: count,
  tree_size: count,
  root_hash: hex256,
  oldest_event_time: z.string().nullable(),
  newest_event_time: z.string().nullable(),
  prev_digest_id: z.string().nullable(),
  prev_digest_sha256: z.string().nullable(),
  prev_signature: z.string().nullable(),
  kid,
  alg: z.literal('Ed25519'),
  storage_key: z.string(),
})

export const TrailDigest = SignedDigestFields.extend({
  /** The exact text that is signed: verify this, not the fields beside it. */
  body: z.string(),
  /** Ed25519 over the UTF-8 of `body`, base64. */
  signature: z.string(),
  /** SHA-256 over the UTF-8 of `body`, hex. */
  sha256: hex256,
  /** The same root as a C2SP signed note, with the signatures of witnesses that have come in. */
  checkpoint: z.string(),
  created_at: instant,
})
export type TrailDigest = z.infer<typeof TrailDigest>

export const Checkpoint = z.object({
  origin: z.string(),
  tree_size: count,
  root_hash: hex256,
  /** The C2SP signed note, to be kept somewhere else and given to `known_checkpoint` one day. */
  note: z.string(),
  /** The digest of the same root. */
  digest_id: digestId,
  created_at: instant,
})

export const Finding = z.object({
  /** Which of the closed list in docs/trail-format.md. */
  state: z.enum(FINDING_STATES),
  /** `info`: done on purpose and recorded, such as an erasure. */
  severity: z.enum(['error', 'info']),
  /** The place in the record that it is about. */
  seq: count.optional(),
  digest_id: z.string().optional(),
  message: z.string(),
})

const range = z.object({ start_time: instant, end_time: instant })

export const VerificationResult = z.object({
  /**
   * `valid`: nothing wrong, and the whole range is covered. `invalid`: something is. `incomplete`: nothing wrong in what
   * there is, but it does not cover the range. `no_data`: no digest covers any of it.
   */
  chain_integrity: z.enum(CHAIN_INTEGRITY),
  requested: range,
  /** What digests cover of it; null when none does. */
  found: range.nullable(),
  digests_verified: count,
  /** Leaves under the digests that were verified. */
  records_covered: count,
  /** Leaves that were hashed again; 0 when shallow. */
  records_verified: count,
  payloads_verified: count,
  tree_size: count,
  root_hash: hex256.nullable(),
  findings: z.array(Finding),
  /** Findings beyond those listed. */
  findings_more: count,
  /** What this verification cannot know, in words. */
  notes: z.array(z.string()),
  duration_ms: z.number(),
})
export type VerificationResult = z.infer<typeof VerificationResult>

export const Verification = z.object({
  id: z.string(),
  state: z.enum(VERIFICATION_STATES),
  input: z.object({
    start_time: instant,
    end_time: instant,
    deep_verify: z.boolean(),
    known_checkpoint: z.string().nullable(),
  }),
  /** Records when deep, digests when shallow. */
  progress: z.object({ done: count, total: count }),
  /** As in `result`; null until it is done. */
  chain_integrity: z.enum(CHAIN_INTEGRITY).nullable(),
  /** As in `result`. */
  records_verified: count,
  findings: z.array(Finding),
  result: VerificationResult.nullable(),
  /** Why it failed: about the work, never about the trail. */
  error: z.string().nullable(),
  created_at: instant,
  created_by: z.string(),
  finished_at: instant.nullable(),
})
export type Verification = z.infer<typeof Verification>

export const Proof = z.object({
  tree_size: count,
  root_hash: hex256,
  /** Base64, in the order of RFC 6962. */
  proof: z.array(z.string()),
  /** A checkpoint of `tree_size` when there is one. */
  checkpoint: z.string().nullable(),
})
