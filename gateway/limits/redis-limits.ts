import { createClient } from 'redis'
import { newId } from '@/lib/ids'
import type { Hold, Limit, LimitStatus, SharedCounter, Taken } from './limiter'

const COMMAND_TIMEOUT_MS = 250
/** A gateway that dies gives back what it had under way after this long. */
const LEASE_MS = 60_000
const RENEW_EVERY_MS = 20_000
const PREFIX = 'keeptrusts:limit:'

/**
 * Looks at all limits of a request and takes from all or none, in one step of the server and by its clock.
 *
 * KEYS: one a limit. ARGV: id of the hold, tokens, lease; then for each limit what it counts, its bound, its window.
 * Returns which limit refused (0: none), the time, and what is used of each.
 */
const TAKE = `
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local used, starts, refused = {}, {}, 0
for i, key in ipairs(KEYS) do
  local counts, max, window = ARGV[1 + 3 * i], tonumber(ARGV[2 + 3 * i]), tonumber(ARGV[3 + 3 * i])
  local wanted = 1
  if counts == 'parallel' then
    redis.call('ZREMRANGEBYSCORE', key, '-inf', now)
    used[i] = redis.call('ZCARD', key)
  else
    starts[i] = string.format('%.0f', now - now % window)
    local kept = redis.call('HMGET', key, 's', 'u')
    used[i] = kept[1] == starts[i] and tonumber(kept[2]) or 0
    if counts == 'tokens' then wanted = tonumber(ARGV[2]) end
  end
  local fresh = counts == 'tokens' and used[i] == 0 and max > 0
  if refused == 0 and used[i] + wanted > max and not fresh then refused = i end
end
if refused == 0 then
  for i, key in ipairs(KEYS) do
    local counts, window = ARGV[1 + 3 * i], tonumber(ARGV[3 + 3 * i])
    if counts == 'parallel' then
      redis.call('ZADD', key, string.format('%.0f', now + ARGV[3]), ARGV[1])
      redis.call('PEXPIRE', key, ARGV[3] * 2)
      used[i] = used[i] + 1
    else
      used[i] = used[i] + (counts == 'tokens' and tonumber(ARGV[2]) or 1)
      redis.call('HSET', key, 's', starts[i], 'u', string.format('%.0f', used[i]))
      redis.call('PEXPIRE', key, window * 2)
    end
  end
end
local answer = { refused, string.format('%.0f', now) }
for i = 1, #KEYS do answer[2 + i] = string.format('%.0f', used[i]) end
return answer`

/** ARGV: id of the hold, by how much the tokens were wrong, when they were taken; then for each limit as above. */
const RELEASE = `
for i, key in ipairs(KEYS) do
  local counts, window = ARGV[1 + 3 * i], tonumber(ARGV[3 + 3 * i])
  if counts == 'parallel' then
    redis.call('ZREM', key, ARGV[1])
  elseif counts == 'tokens' and tonumber(ARGV[2]) ~= 0 then
    local at = tonumber(ARGV[3])
    local kept = redis.call('HMGET', key, 's', 'u')
    if kept[1] == string.format('%.0f', at - at % window) then
      redis.call('HSET', key, 'u', string.format('%.0f', math.max(0, kept[2] + ARGV[2])))
    end
  end
end
return 0`

/** Counts in a Redis or Valkey that gateways share, so that they keep to one window together to the request. */
export class RedisLimits implements SharedCounter {
  readonly #client
  /** Calls under way that are counted there: by id, the keys. */
  readonly #underWay = new Map<string, string[]>()
  #renewedMs = 0

  /** @param onError told of a connection that failed; the client keeps trying by itself */
  constructor(
    url: string,
    readonly onError: (cause: unknown) => void,
  ) {
    this.#client = createClient({
      url,
      disableOfflineQueue: true,
      commandOptions: { timeout: COMMAND_TIMEOUT_MS },
      socket: { connectTimeout: 2_000, reconnectStrategy: (retries) => Math.min(100 * 2 ** retries, 5_000) },
    })
    this.#client.on('error', onError)
    void this.#client.connect().catch(onError)
  }

  get isReady(): boolean {
    return this.#client.isReady
  }

  /** @throws when the server is away or slow */
  async take(orgId: string | null, limits: readonly Limit[], tokens: number): Promise<Taken> {
    const id = newId('req')
    const keys = limits.map((limit) => keyOf(orgId, limit))
    const given = await this.#client.eval(TAKE, {
      keys,
      arguments: [id, String(tokens), String(LEASE_MS), ...argumentsOf(limits)],
    })
    const [refused, nowMs, ...used] = Array.isArray(given) ? given.map(Number) : []
    if (refused === undefined || nowMs === undefined) throw new Error('Redis gave no count')
    const statuses = limits.map((limit, at): LimitStatus => {
      const resetMs = limit.windowMs === 0 ? 0 : limit.windowMs - (nowMs % limit.windowMs)
      return { limit, remaining: Math.max(0, limit.max - (used[at] ?? 0)), resetMs }
    })
    const exceeded = statuses[refused - 1]
    if (exceeded !== undefined) return { hold: null, exceeded }
    const parallel = keys.filter((_, at) => limits[at]?.counts === 'parallel')
    if (parallel.length > 0) this.#underWay.set(id, parallel)
    const shared = { by: this, id: `${orgId ?? ''} ${id}`, statuses }
    return { hold: { limits, tokens, atMs: nowMs, shared }, exceeded: null }
  }

  /** What cannot be given back now runs out by itself. */
  release({ limits, tokens: held, atMs, shared }: Hold, tokens: number | null): void {
    const [orgId = '', id] = shared?.id.split(' ') ?? []
    if (id === undefined) return
    this.#underWay.delete(id)
    const wrong = tokens === null ? 0 : tokens - held
    const changed = limits.filter(({ counts }) => counts === 'parallel' || (counts === 'tokens' && wrong !== 0))
    if (changed.length === 0 || !this.#client.isReady) return
    void this.#client
      .eval(RELEASE, {
        keys: changed.map((limit) => keyOf(orgId === '' ? null : orgId, limit)),
        arguments: [id, String(wrong), String(atMs), ...argumentsOf(changed)],
      })
      .catch(this.onError)
  }

  /** Called about once a second: keeps calls under way counted for as long as they are. */
  sweep(nowMs: number): void {
    if (nowMs - this.#renewedMs < RENEW_EVERY_MS || !this.#client.isReady) return
    this.#renewedMs = nowMs
    const untilMs = Date.now() + LEASE_MS
    for (const [id, keys] of this.#underWay) {
      for (const key of keys) {
        void this.#client.zAdd(key, { score: untilMs, value: id }, { condition: 'XX' }).catch(this.onError)
        void this.#client.pExpire(key, LEASE_MS * 2).catch(this.onError)
      }
    }
  }

  close(): void {
    this.#client.destroy()
  }
}

/** The braces keep the counters of one organisation on one node of a cluster. */
const keyOf = (orgId: string | null, { name, windowMs, holder }: Limit): string =>
  `${PREFIX}{${orgId ?? ''}}:${name}:${windowMs}:${holder}`

const argumentsOf = (limits: readonly Limit[]): string[] =>
  limits.flatMap(({ counts, max, windowMs }) => [counts, String(max), String(windowMs)])
