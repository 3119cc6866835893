import { hash } from 'node:crypto'
import { z } from 'zod'
import { parseJson } from '@/lib/parse-json'
import type { TokenUsage } from '@/lib/token-usage'

/** An answer as it was given, ready to be checked and given again. Streams are kept as the bytes of their frames. */
export type CachedAnswer = {
  contentType: string
  body: Buffer
  /** Model, provider and target that gave it. */
  model: string | null
  provider: string
  targetId: string
  tokens: TokenUsage | null
}

/**
 * Where answers are kept. A store may lose what it holds at any time, and says nothing about it: a cache that fails is a
 * miss, never an error of the request.
 */
export type CacheStore = {
  get(key: string): Promise<CachedAnswer | null>
  put(key: string, answer: CachedAnswer, ttlMs: number): Promise<void>
  close(): Promise<void>
}

/** What makes two requests the same one. */
export type CacheKeyParts = {
  orgId: string | null
  /** Who shares answers: a team, everybody without one, or callers without a key. */
  holder: string
  /** Digest of the configuration: other policies may have other answers. */
  configuration: string
  apiShape: string
  /** What else of the caller a provider may be told. */
  headers: string
  /** The body as it goes to the provider, after the input policies. */
  body: Buffer
}

/** Length-prefixed, so that no two lists of parts make the same key. */
export function cacheKeyOf({ orgId, holder, configuration, apiShape, headers, body }: CacheKeyParts): string {
  const head = [orgId ?? '', holder, configuration, apiShape, headers].map((part) => `${part.length}:${part}`).join('')
  return hash('sha256', Buffer.concat([Buffer.from(head), body]), 'hex')
}

/** Larger answers are given but not kept. */
export const CACHED_BYTES_MAX = 1_048_576

/** One record of a store outside this process: a line of JSON about it, a line feed, the body. */
export function encodeAnswer(answer: CachedAnswer, expiresMs: number): Buffer {
  const { body, ...head } = answer
  return Buffer.concat([
    Buffer.from(`${JSON.stringify({ ...head, expiresMs, sha256: hash('sha256', body, 'hex') })}\n`),
    body,
  ])
}

/** @returns null for what is damaged, too old, or not ours */
export function decodeAnswer(bytes: Buffer, nowMs: number): CachedAnswer | null {
  const lineEnd = bytes.indexOf(0x0a)
  if (lineEnd === -1) return null
  const head = headOf(bytes.toString('utf8', 0, lineEnd))
  const body = bytes.subarray(lineEnd + 1)
  if (head === null || head.expiresMs <= nowMs || head.sha256 !== hash('sha256', body, 'hex')) return null
  const { contentType, model, provider, targetId, tokens } = head
  return { contentType, body, model, provider, targetId, tokens }
}

const count = z.number().int().min(0)
const CacheHead = z.object({
  contentType: z.string(),
  model: z.string().nullable(),
  provider: z.string(),
  targetId: z.string(),
  tokens: z.object({ input: count, output: count, cached: count, reasoning: count }).catchall(count).nullable(),
  expiresMs: z.number(),
  sha256: z.string(),
})
type CacheHead = z.infer<typeof CacheHead>

function headOf(line: string): CacheHead | null {
  try {
    const parsed = CacheHead.safeParse(parseJson(line))
    return parsed.success ? parsed.data : null
  } catch {
    return null // not a line of ours
  }
}
