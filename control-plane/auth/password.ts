import { randomBytes, scrypt, timingSafeEqual } from 'node:crypto'
import { AppError } from '@/lib/errors'

/** OWASP Password Storage Cheat Sheet: N=2^16, r=8, p=2 (64 MiB). Kept with each hash, so they can be raised later. */
const COST = { N: 65_536, r: 8, p: 2 }
const KEY_BYTES = 32
const MEMORY_MAX = 256 * 1_048_576

/** Hashing takes 64 MiB and a thread each; more at once would starve everything else. */
const CONCURRENT_MAX = 2
const WAITING_MAX = 50

/** @returns `scrypt$N$r$p$salt$key`, the last two base64url */
export async function hashPassword(password: string): Promise<string> {
  const salt = randomBytes(16)
  const key = await derive(password, salt, COST)
  return ['scrypt', COST.N, COST.r, COST.p, salt.toString('base64url'), key.toString('base64url')].join('$')
}

/**
 * Takes as long for nobody's password as for somebody's.
 *
 * @param stored null when there is nothing to compare with; the answer is then no
 * @throws AppError `unavailable` when too many wait already
 */
export async function verifyPassword(password: string, stored: string | null): Promise<boolean> {
  const [scheme, n, r, p, salt, key] = (stored ?? NOBODYS).split('$')
  if (scheme !== 'scrypt' || !salt || !key) throw new Error('A stored password hash cannot be read.')
  const expected = Buffer.from(key, 'base64url')
  const actual = await derive(password, Buffer.from(salt, 'base64url'), { N: Number(n), r: Number(r), p: Number(p) })
  return timingSafeEqual(actual, expected) && stored !== null
}

const NOBODYS = ['scrypt', COST.N, COST.r, COST.p, 'A'.repeat(22), 'A'.repeat(43)].join('$')

let running = 0
const waiting: (() => void)[] = []

/** NFKC, so that a password typed on another keyboard is the same one (NIST SP 800-63B, 5.1.1.2). */
async function derive(password: string, salt: Buffer, cost: typeof COST): Promise<Buffer> {
  if (running >= CONCURRENT_MAX) {
    if (waiting.length >= WAITING_MAX) {
      throw new AppError('unavailable', 'Too many people sign in at this moment. Try again.', { retryAfterSeconds: 5 })
    }
    await new Promise<void>((resolve) => waiting.push(resolve))
  } else {
    running += 1
  }
  try {
    return await new Promise((resolve, reject) => {
      scrypt(password.normalize('NFKC'), salt, KEY_BYTES, { ...cost, maxmem: MEMORY_MAX }, (error, key) =>
        error ? reject(error) : resolve(key),
      )
    })
  } finally {
    // The place is handed on rather than given back, so that nobody overtakes those who wait.
    const next = waiting.shift()
    if (next) next()
    else running -= 1
  }
}
