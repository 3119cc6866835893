import { and, asc, eq, isNull } from 'drizzle-orm'
import { trailKeys } from '@/drizzle/schema/trail'
import type { TrailKey } from '@/lib/contract/trail-shapes'
import { AppError } from '@/lib/errors'
import { originOf } from '@/lib/trail/checkpoint'
import { fingerprintOf, KEYS_MAX, pemOf, rawKeyOf } from '@/lib/trail/keys'
import { formatNoteKey, noteKey } from '@/lib/trail/note'
import type { Context } from '../../context'
import type { Transaction } from '../../database'
import { nativePrimitives } from '../native-primitives'

type Row = typeof trailKeys.$inferSelect

/** The key that signs, or undefined before the first. */
export async function currentKey(tx: Transaction, orgId: string): Promise<Row | undefined> {
  const [row] = await tx
    .select()
    .from(trailKeys)
    .where(and(eq(trailKeys.orgId, orgId), isNull(trailKeys.notAfter)))
  return row
}

export async function findKey(tx: Transaction, orgId: string, kid: string): Promise<Row | undefined> {
  const [row] = await tx
    .select()
    .from(trailKeys)
    .where(and(eq(trailKeys.orgId, orgId), eq(trailKeys.kid, kid)))
  return row
}

/** All keys from first to last, as the verifier reads them. */
export async function keyHistory(tx: Transaction, orgId: string): Promise<TrailKey[]> {
  const rows = await tx
    .select()
    .from(trailKeys)
    .where(eq(trailKeys.orgId, orgId))
    .orderBy(asc(trailKeys.notBefore), asc(trailKeys.kid))
    .limit(KEYS_MAX + 1)
  return rows.map(toKey)
}

export const listKeys = async ({ tx, actor }: Context) => ({ items: await keyHistory(tx, actor.orgId) })

export async function getPublicKey({ tx, actor }: Context) {
  const row = await currentKey(tx, actor.orgId)
  if (!row) throw new AppError('not_found', 'There is no signing key yet: the first digest makes it.')
  const origin = originOf(actor.orgId)
  const raw = rawKeyOf(Buffer.from(row.publicKey, 'base64'))
  if (!raw) throw new Error(`Key ${row.kid} is no Ed25519 public key.`)
  const note_key = formatNoteKey(noteKey(origin, raw, 1, nativePrimitives))
  return { ...toKey(row), origin, note_key, history: await keyHistory(tx, actor.orgId) }
}

export function toKey(row: Row): TrailKey {
  const spki = Buffer.from(row.publicKey, 'base64')
  return {
    kid: row.kid,
    public_key: row.publicKey,
    pem: pemOf(spki),
    fingerprint: fingerprintOf(spki, nativePrimitives),
    not_before: row.notBefore,
    not_after: row.notAfter,
    predecessor_kid: row.predecessorKid,
    predecessor_signature: row.predecessorSignature,
  }
}
