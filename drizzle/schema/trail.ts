import { sql } from 'drizzle-orm'
import { bigint, boolean, index, integer, jsonb, pgTable, primaryKey, text, uniqueIndex } from 'drizzle-orm/pg-core'
import { SINK_KINDS, VERIFICATION_STATES } from '@/lib/contract/trail-shapes'
import { instant } from '../columns'
import { bytea } from './events'

/** Hashes of the organisation's Merkle tree in tiles of 256 (C2SP tlog-tiles). Level 0 holds the leaf hashes. */
export const trailTiles = pgTable(
  'trail_tiles',
  {
    orgId: text('org_id').notNull(),
    level: integer('level').notNull(),
    tileIndex: bigint('tile_index', { mode: 'number' }).notNull(),
    /** Hashes it holds; below 256 only in the last of a level, which is replaced as it grows. */
    width: integer('width').notNull(),
    hashes: bytea('hashes').notNull(),
  },
  (t) => [primaryKey({ columns: [t.orgId, t.level, t.tileIndex] })],
)

export const trailState = pgTable('trail_state', {
  orgId: text('org_id').primaryKey(),
  /** Leaves whose hashes are in tiles. */
  integratedSize: bigint('integrated_size', { mode: 'number' }).notNull().default(0),
  /** Set when stored leaves do not hash to what was recorded: nothing is signed until a person has looked. */
  alarm: text('alarm'),
  alarmAt: instant('alarm_at'),
  /** `[first, last]` pairs of seq that the alarm is about. */
  alarmRanges: jsonb('alarm_ranges').$type<[number, number][]>().notNull().default([]),
  /** What a person has acknowledged: signed as it was recorded, whatever it is now. */
  acceptedRanges: jsonb('accepted_ranges').$type<[number, number][]>().notNull().default([]),
  /** Digests that are in the object store as well, from number 0 on. */
  archivedDigests: bigint('archived_digests', { mode: 'number' }).notNull().default(0),
})

/** Public halves only. A predecessor has signed its successor, so that one fingerprint leads to all that follow. */
export const trailKeys = pgTable(
  'trail_keys',
  {
    orgId: text('org_id').notNull(),
    kid: text('kid').notNull(),
    /** SPKI (RFC 5280), base64. */
    publicKey: text('public_key').notNull(),
    notBefore: instant('not_before').notNull(),
    notAfter: instant('not_after'),
    predecessorKid: text('predecessor_kid'),
    /** By the predecessor, over the statement that names this key; base64. */
    predecessorSignature: text('predecessor_signature'),
  },
  (t) => [primaryKey({ columns: [t.orgId, t.kid] })],
)

export const trailDigests = pgTable(
  'trail_digests',
  {
    orgId: text('org_id').notNull(),
    number: bigint('number', { mode: 'number' }).notNull(),
    digestId: text('digest_id').notNull(),
    periodStart: instant('period_start').notNull(),
    periodEnd: instant('period_end').notNull(),
    seqStart: bigint('seq_start', { mode: 'number' }).notNull(),
    seqEnd: bigint('seq_end', { mode: 'number' }).notNull(),
    treeSize: bigint('tree_size', { mode: 'number' }).notNull(),
    /** Hex. */
    rootHash: text('root_hash').notNull(),
    /** The exact bytes that are signed. */
    body: text('body').notNull(),
    signature: text('signature').notNull(),
    kid: text('kid').notNull(),
    /** C2SP signed note of the same root. */
    checkpoint: text('checkpoint').notNull(),
    storageKey: text('storage_key').notNull(),
    createdAt: instant('created_at').notNull().default(sql`clock_timestamp()`),
  },
  (t) => [
    primaryKey({ columns: [t.orgId, t.number] }),
    uniqueIndex('trail_digests_id').on(t.orgId, t.digestId),
    index('trail_digests_by_period').on(t.orgId, t.periodEnd),
    index('trail_digests_by_size').on(t.orgId, t.treeSize),
  ],
)

/** Places outside the database that are told each checkpoint, so that a rewritten record is found out. */
export const trailSinks = pgTable(
  'trail_sinks',
  {
    orgId: text('org_id').notNull(),
    id: text('id').notNull(),
    kind: text('kind', { enum: SINK_KINDS }).notNull(),
    settings: jsonb('settings').$type<Record<string, string>>().notNull(),
    enabled: boolean('enabled').notNull().default(true),
    /** Size of the last checkpoint it has taken. */
    lastSize: bigint('last_size', { mode: 'number' }).notNull().default(0),
    lastOkAt: instant('last_ok_at'),
    lastError: text('last_error'),
    createdAt: instant('created_at').notNull(),
  },
  (t) => [primaryKey({ columns: [t.orgId, t.id] })],
)

/** A witness's signatures under checkpoints (C2SP tlog-cosignature). */
export const trailCosignatures = pgTable(
  'trail_cosignatures',
  {
    orgId: text('org_id').notNull(),
    treeSize: bigint('tree_size', { mode: 'number' }).notNull(),
    sinkId: text('sink_id').notNull(),
    /** One signature line of a note. */
    line: text('line').notNull(),
    at: instant('at').notNull(),
  },
  (t) => [primaryKey({ columns: [t.orgId, t.treeSize, t.sinkId] })],
)

export const trailVerifications = pgTable(
  'trail_verifications',
  {
    orgId: text('org_id').notNull(),
    id: text('id').notNull(),
    input: jsonb('input').$type<Record<string, unknown>>().notNull(),
    state: text('state', { enum: VERIFICATION_STATES }).notNull(),
    recordsDone: bigint('records_done', { mode: 'number' }).notNull().default(0),
    recordsTotal: bigint('records_total', { mode: 'number' }).notNull().default(0),
    result: jsonb('result').$type<Record<string, unknown>>(),
    error: text('error'),
    createdAt: instant('created_at').notNull(),
    createdBy: text('created_by').notNull(),
    finishedAt: instant('finished_at'),
  },
  (t) => [primaryKey({ columns: [t.orgId, t.id] })],
)
