import { z } from 'zod'
import { endpoint } from './endpoint'
import { instant, storedText, when } from './fields'
import { pageInput, pageOf } from './page'
import {
  Alarm,
  CHECKPOINT_LENGTH_MAX,
  Checkpoint,
  count,
  hex256,
  Proof,
  SINK_KINDS,
  TrailDigest,
  TrailDigestSummary,
  TrailKey,
  TrailSink,
  Verification,
  type VerificationResult,
} from './trail-shapes'

const size = z.coerce.number().int().min(0).max(Number.MAX_SAFE_INTEGER)

const verificationInput = {
  start_time: when.describe('Begin of the range. RFC 3339, or how long ago: `24h`, `7d`.'),
  end_time: when.optional().describe('End of the range; now unless stated.'),
  deep_verify: z
    .boolean()
    .default(false)
    .describe(
      'Also reads every record and captured payload and hashes it again; otherwise digests, signatures and chain.',
    ),
  known_checkpoint: storedText
    .max(CHECKPOINT_LENGTH_MAX)
    .optional()
    .describe(
      'A checkpoint note that was kept elsewhere. Only with one is a lost tail, a restored backup or a fork found.',
    ),
}

const EXAMPLE_KEY: TrailKey = {
  kid: 'd6b3aa6d1f5e0c6a7f8f3f7ec1a9a3de',
  public_key: 'MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=',
  pem: '-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n-----END PUBLIC KEY-----\n',
  fingerprint: 'd6b3aa6d1f5e0c6a7f8f3f7ec1a9a3de0b9c8f3d2a1e4b5c6d7e8f9a0b1c2d3e',
  not_before: '2026-04-01T00:00:00.000000Z',
  not_after: null,
  predecessor_kid: null,
  predecessor_signature: null,
}

const SUMMARY: TrailDigestSummary = {
  digest_id: 'dig_019a6f0e1c2d7000a1b2c3d4e5f60718',
  number: 7,
  period_start: '2026-04-23T09:00:00.000000Z',
  period_end: '2026-04-23T10:00:00.000000Z',
  seq_start: 41,
  seq_end: 60,
  event_count: 20,
  tree_size: 60,
  root_hash: '5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328',
  kid: EXAMPLE_KEY.kid,
  storage_key:
    'org_019a6f0e1c2d7000a1b2c3d4e5f60718/trail/digests/2026/04/23/dig_019a6f0e1c2d7000a1b2c3d4e5f60718.json',
  created_at: '2026-04-23T10:00:00.210000Z',
}

const { created_at: _at, ...SIGNED } = SUMMARY
const ORIGIN = 'keeptrusts/org_019a6f0e1c2d7000a1b2c3d4e5f60718'
const NOTE = `${ORIGIN}\n60\nXcnaeacGWamtVZy3Ad7ZoqudgjqtL0lgz+Nw7/RgQyg=\n\n— ${ORIGIN} 1rOqbQ...\n`
const DIGEST = {
  ...SIGNED,
  v: 1,
  origin: ORIGIN,
  org: 'org_019a6f0e1c2d7000a1b2c3d4e5f60718',
  oldest_event_time: '2026-04-23T09:01:12.004Z',
  newest_event_time: '2026-04-23T09:58:40.310Z',
  prev_digest_id: 'dig_019a6f0e0c2d7000a1b2c3d4e5f60718',
  prev_digest_sha256: EXAMPLE_KEY.fingerprint,
  prev_signature: 'k0v3...',
  alg: 'Ed25519',
  body: '{"alg":"Ed25519",...}',
  signature: 'b2Zf...',
  sha256: EXAMPLE_KEY.fingerprint,
  checkpoint: NOTE,
  created_at: SUMMARY.created_at,
}

const RESULT: VerificationResult = {
  chain_integrity: 'valid',
  requested: { start_time: '2026-04-23T00:00:00.000000Z', end_time: '2026-04-23T10:00:00.000000Z' },
  found: { start_time: '2026-04-22T23:00:00.000000Z', end_time: '2026-04-23T10:00:00.000000Z' },
  digests_verified: 11,
  records_covered: 60,
  records_verified: 0,
  payloads_verified: 0,
  tree_size: 60,
  root_hash: SUMMARY.root_hash,
  findings: [],
  findings_more: 0,
  notes: [
    'Without a checkpoint that was kept elsewhere, a restored backup or a second history cannot be told from this one.',
  ],
  duration_ms: 12,
}

const VERIFICATION: Verification = {
  id: 'ver_019a6f0e1c2d7000a1b2c3d4e5f60718',
  state: 'done',
  input: { ...RESULT.requested, deep_verify: false, known_checkpoint: null },
  progress: { done: 11, total: 11 },
  chain_integrity: 'valid',
  records_verified: 0,
  findings: [],
  result: RESULT,
  error: null,
  created_at: '2026-04-23T10:00:01.000000Z',
  created_by: 'usr_019a6f0e1c2d7000a1b2c3d4e5f60718',
  finished_at: '2026-04-23T10:00:01.012000Z',
}

const SINK: TrailSink = {
  id: 'snk_019a6f0e1c2d7000a1b2c3d4e5f60718',
  kind: 'webhook',
  settings: { url: 'https://audit.example.com/checkpoints' },
  enabled: true,
  last_size: 60,
  last_ok_at: '2026-04-23T10:00:00.400000Z',
  last_error: null,
  created_at: '2026-04-20T08:00:00.000000Z',
}

const sinkSettings = z.record(z.string().max(40), z.string().max(2_000))

export const trail = {
  status: endpoint({
    name: 'trail.status',
    method: 'GET',
    path: '/v1/trail',
    access: 'trail:read',
    input: z.strictObject({}),
    output: z.object({
      origin: z.string(),
      /** Leaves: events and activity entries that are recorded. */
      tree_size: count,
      /** Leaves whose hashes are in the tree. */
      integrated_size: count,
      /** Leaves that no digest covers yet. */
      undigested: count,
      /** Age in seconds of what is recorded and not covered by a digest; 0 when all is. */
      lag_seconds: z.number().min(0),
      last_digest: TrailDigestSummary.nullable(),
      /** Null while an alarm stands: nothing is signed then. */
      next_digest_due_at: instant.nullable(),
      /** Set when stored records do not hash to what was recorded. Nothing is signed until somebody acknowledges it. */
      alarm: Alarm.nullable(),
      /** The key that signs; null before the first digest. */
      key: TrailKey.nullable(),
      /** Whether this installation can sign with that key. */
      can_sign: z.boolean(),
      sinks: z.array(TrailSink),
    }),
    summary: 'The state of the organisation’s trail: size, last digest, lag, alarm, key and sinks',
    example: {
      input: {},
      output: {
        origin: ORIGIN,
        tree_size: 64,
        integrated_size: 64,
        undigested: 4,
        lag_seconds: 310,
        last_digest: SUMMARY,
        next_digest_due_at: '2026-04-23T11:00:00.000000Z',
        alarm: null,
        key: EXAMPLE_KEY,
        can_sign: true,
        sinks: [SINK],
      },
    },
  }),
  publicKey: endpoint({
    name: 'trail.publicKey',
    method: 'GET',
    path: '/v1/trail/public-key',
    access: 'trail:read',
    input: z.strictObject({}),
    output: TrailKey.extend({
      origin: z.string(),
      /** The same key as C2SP signed-note writes it. */
      note_key: z.string(),
      /** All keys from first to last, this one among them. */
      history: z.array(TrailKey),
    }),
    summary: 'The public key that signs digests and checkpoints, and all before it',
    description:
      'Compare the fingerprint with one that you were given over another way: a server that lies would lie here too.',
    example: {
      input: {},
      output: { ...EXAMPLE_KEY, origin: ORIGIN, note_key: `${ORIGIN}+d6b3aa6d+Abm...`, history: [EXAMPLE_KEY] },
    },
  }),
  keys: endpoint({
    name: 'trail.keys',
    method: 'GET',
    path: '/v1/trail/keys',
    access: 'trail:read',
    input: z.strictObject({}),
    output: z.object({ items: z.array(TrailKey) }),
    summary: 'List the signing keys from first to last; each has signed the next',
    example: { input: {}, output: { items: [EXAMPLE_KEY] } },
  }),
  rotateKey: endpoint({
    name: 'trail.rotateKey',
    method: 'POST',
    path: '/v1/trail/keys/rotate',
    access: 'trail:write',
    status: 201,
    idempotent: true,
    input: z.strictObject({}),
    output: TrailKey,
    summary: 'Make a new signing key, which the present one signs',
    description: 'Signs a digest with the present key first. What it has signed stays verifiable for ever.',
    example: { input: {}, output: EXAMPLE_KEY },
  }),
  digests: endpoint({
    name: 'trail.digests',
    method: 'GET',
    path: '/v1/trail/digests',
    access: 'trail:read',
    input: z.strictObject({
      since: when.optional().describe('Only digests whose period ends after this.'),
      until: when.optional().describe('Only digests whose period begins before this.'),
      ...pageInput,
    }),
    output: pageOf(TrailDigestSummary),
    summary: 'List digests, newest first',
    example: { input: { since: '7d' }, output: { items: [SUMMARY], next_cursor: null } },
  }),
  digest: endpoint({
    name: 'trail.digest',
    method: 'GET',
    path: '/v1/trail/digests/:id',
    access: 'trail:read',
    input: z.strictObject({ id: z.string().max(64) }),
    output: TrailDigest,
    summary: 'Read a digest with the exact text that is signed and its signature',
    example: { input: { id: SUMMARY.digest_id }, output: DIGEST },
  }),
  sign: endpoint({
    name: 'trail.sign',
    method: 'POST',
    path: '/v1/trail/digests',
    access: 'trail:write',
    status: 201,
    idempotent: true,
    input: z.strictObject({}),
    output: TrailDigest,
    summary: 'Sign a digest now, of everything that is recorded so far',
    description:
      'All records since the digest before are read and hashed again first; when one is not what was recorded, nothing is signed and an alarm is raised (409).',
    example: { input: {}, output: DIGEST },
  }),
  checkpoint: endpoint({
    name: 'trail.checkpoint',
    method: 'GET',
    path: '/v1/trail/checkpoint',
    access: 'trail:read',
    input: z.strictObject({
      tree_size: size.optional().describe('The checkpoint of this size; the latest unless stated.'),
    }),
    output: Checkpoint,
    summary: 'The latest signed checkpoint, with the signatures of witnesses',
    example: {
      input: {},
      output: {
        origin: ORIGIN,
        tree_size: 60,
        root_hash: SUMMARY.root_hash,
        note: NOTE,
        digest_id: SUMMARY.digest_id,
        created_at: SUMMARY.created_at,
      },
    },
  }),
  inclusion: endpoint({
    name: 'trail.inclusion',
    method: 'GET',
    path: '/v1/trail/proof/inclusion',
    access: 'trail:read',
    input: z.strictObject({
      seq: size.optional().describe('Place in the record, from 1. Either this or `event_id`.'),
      event_id: z
        .string()
        .max(64)
        .optional()
        .describe('Id of an event (`evt_...`) or of an activity entry (`act_...`).'),
      tree_size: size.optional().describe('Of the tree to prove it in; that of the latest checkpoint unless stated.'),
    }),
    output: Proof.extend({ seq: count, leaf_index: count, leaf_hash: hex256 }),
    summary: 'Prove that a record is in the tree (RFC 6962 section 2.1.1)',
    example: {
      input: { seq: 42 },
      output: {
        seq: 42,
        leaf_index: 41,
        leaf_hash: SUMMARY.root_hash,
        tree_size: 60,
        root_hash: SUMMARY.root_hash,
        proof: ['XcnaeacGWamtVZy3Ad7ZoqudgjqtL0lgz+Nw7/RgQyg='],
        checkpoint: NOTE,
      },
    },
  }),
  consistency: endpoint({
    name: 'trail.consistency',
    method: 'GET',
    path: '/v1/trail/proof/consistency',
    access: 'trail:read',
    input: z.strictObject({
      from: size.describe('Size of the smaller tree, at least 1.'),
      to: size.optional().describe('Size of the larger tree; that of the latest checkpoint unless stated.'),
    }),
    output: Proof.extend({ from: count, from_root_hash: hex256 }),
    summary: 'Prove that a tree grew out of a smaller one (RFC 6962 section 2.1.2)',
    example: {
      input: { from: 40 },
      output: {
        from: 40,
        from_root_hash: SUMMARY.root_hash,
        tree_size: 60,
        root_hash: SUMMARY.root_hash,
        proof: ['XcnaeacGWamtVZy3Ad7ZoqudgjqtL0lgz+Nw7/RgQyg='],
        checkpoint: NOTE,
      },
    },
  }),
  verify: endpoint({
    name: 'trail.verify',
    method: 'POST',
    path: '/v1/trail/verify',
    access: 'trail:verify',
    status: 202,
    idempotent: true,
    input: z.strictObject({
      ...verificationInput,
      wait: z
        .boolean()
        .optional()
        .describe(
          'Answer with the result when it is there within five seconds; otherwise the answer is a job to be asked for. True unless `deep_verify`.',
        ),
    }),
    output: Verification,
    summary: 'Verify a range of the trail, shallow or deep',
    description:
      'A server that hides something could hide it here too: this is a convenience. What proves something to a stranger is an evidence bundle that is verified offline.',
    example: { input: { start_time: '24h', deep_verify: false }, output: VERIFICATION },
  }),
  verifications: endpoint({
    name: 'trail.verifications',
    method: 'GET',
    path: '/v1/trail/verifications',
    access: 'trail:read',
    input: z.strictObject({ ...pageInput }),
    output: pageOf(Verification),
    summary: 'List verifications, newest first',
    example: { input: {}, output: { items: [VERIFICATION], next_cursor: null } },
  }),
  verification: endpoint({
    name: 'trail.verification',
    method: 'GET',
    path: '/v1/trail/verifications/:id',
    access: 'trail:read',
    input: z.strictObject({ id: z.string().max(64) }),
    output: Verification,
    summary: 'Read a verification: its progress, then its result',
    example: { input: { id: VERIFICATION.id }, output: VERIFICATION },
  }),
  cancelVerification: endpoint({
    name: 'trail.cancelVerification',
    method: 'POST',
    path: '/v1/trail/verifications/:id/cancel',
    access: 'trail:verify',
    input: z.strictObject({ id: z.string().max(64) }),
    output: Verification,
    summary: 'Stop a verification that waits or runs',
    example: { input: { id: VERIFICATION.id }, output: VERIFICATION },
  }),
  acknowledgeAlarm: endpoint({
    name: 'trail.acknowledgeAlarm',
    method: 'POST',
    path: '/v1/trail/alarm/acknowledge',
    access: 'trail:write',
    input: z.strictObject({
      reason: z.string().trim().min(1).max(500).describe('What was found out and done about it.'),
    }),
    output: z.object({ acknowledged: Alarm }),
    summary: 'Say that a person has looked at the alarm, so that digests are signed again',
    description:
      'Who did and why stands in the trail from then on. The damaged record is signed as what was recorded, not as what it is now: verification goes on to report it.',
    example: {
      input: { reason: 'Disk fault, ticket 4711; the row was restored from a backup.' },
      output: { acknowledged: { message: 'Record 42 was changed.', raised_at: '2026-04-23T10:00:00.000000Z' } },
    },
  }),
  sinks: endpoint({
    name: 'trail.sinks',
    method: 'GET',
    path: '/v1/trail/sinks',
    access: 'trail:read',
    input: z.strictObject({ ...pageInput }),
    output: pageOf(TrailSink),
    summary: 'List the places outside the database that are told each checkpoint',
    example: { input: {}, output: { items: [SINK], next_cursor: null } },
  }),
  createSink: endpoint({
    name: 'trail.createSink',
    method: 'POST',
    path: '/v1/trail/sinks',
    access: 'trail:write',
    status: 201,
    idempotent: true,
    input: z.strictObject({
      kind: z.enum(SINK_KINDS),
      settings: sinkSettings.describe(
        '`file`: `name`, a file in the data directory’s `checkpoints`. `webhook`: `url`. `object_store`: `retain_days`, where the store can retain. `witness`: `url` of its submission prefix, and `key`, its cosignature key as C2SP writes it.',
      ),
    }),
    output: TrailSink,
    summary: 'Add a place that is told each checkpoint',
    example: { input: { kind: 'webhook', settings: SINK.settings }, output: SINK },
  }),
  updateSink: endpoint({
    name: 'trail.updateSink',
    method: 'PATCH',
    path: '/v1/trail/sinks/:id',
    access: 'trail:write',
    input: z.strictObject({ id: z.string().max(64), enabled: z.boolean() }),
    output: TrailSink,
    summary: 'Switch a sink on or off',
    example: { input: { id: SINK.id, enabled: false }, output: { ...SINK, enabled: false } },
  }),
  deleteSink: endpoint({
    name: 'trail.deleteSink',
    method: 'DELETE',
    path: '/v1/trail/sinks/:id',
    access: 'trail:write',
    input: z.strictObject({ id: z.string().max(64) }),
    output: TrailSink,
    summary: 'Remove a sink; what it was told stays there',
    example: { input: { id: SINK.id }, output: SINK },
  }),
  deliver: endpoint({
    name: 'trail.deliver',
    method: 'POST',
    path: '/v1/trail/sinks/:id/deliver',
    access: 'trail:write',
    input: z.strictObject({ id: z.string().max(64) }),
    output: TrailSink,
    summary: 'Tell a sink the latest checkpoint now; the answer says whether it took it',
    example: { input: { id: SINK.id }, output: SINK },
  }),
}
