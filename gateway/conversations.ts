import { LRUCache } from 'lru-cache'
import type { ConversationState, ToolCall } from '@/lib/policy/engine/subject'
import { amountOf } from '@/lib/policy/kinds/tool-amount'

export type ConversationBounds = {
  /** Of all callers together. */
  conversationsMax: number
  /** So that one caller cannot push out what is remembered of the others. */
  perCallerMax: number
  callersMax: number
  /** A conversation in which nothing happened for this long begins anew. */
  idleMsMax: number
}

const BOUNDS: ConversationBounds = {
  conversationsMax: 20_000,
  perCallerMax: 1_000,
  callersMax: 50_000,
  idleMsMax: 86_400_000,
}
/** Different tools of one conversation. A caller who invents more names is not served, rather than not counted. */
const TOOLS_MAX = 512
const RECENT_MS = 60_000
/** Per tool; the largest rate that a policy can ask for. */
const RECENT_MAX = 1_000
const DAY_MS = 86_400_000

type CallerMemory = { conversations: LRUCache<string, Conversation>; day: number; transactions: number }

/**
 * What happened before in each conversation, in memory and bounded: the least recently used are forgotten first.
 *
 * A conversation belongs to its caller. Who names none has one nevertheless, so that leaving out the name does not leave
 * out the limits.
 */
export class Conversations {
  readonly #bounds: ConversationBounds
  readonly #callers: LRUCache<string, CallerMemory>
  #size = 0

  constructor(bounds: Partial<ConversationBounds> = {}) {
    this.#bounds = { ...BOUNDS, ...bounds }
    this.#callers = new LRUCache({ max: this.#bounds.callersMax, dispose: (caller) => this.#forget(caller) })
  }

  get size(): number {
    return this.#size
  }

  /** @param caller whoever is counted, such as the id of a key; @param name null for a caller that names no conversation */
  of(caller: string, name: string | null, nowMs: number): Conversation {
    let memory = this.#callers.get(caller)
    if (memory === undefined) {
      memory = { conversations: new LRUCache({ max: this.#bounds.perCallerMax }), day: 0, transactions: 0 }
      this.#callers.set(caller, memory)
    }
    const key = name ?? ''
    const known = memory.conversations.get(key)
    if (known !== undefined && nowMs - known.lastMs <= this.#bounds.idleMsMax) return known
    const before = memory.conversations.size
    const fresh = new Conversation(memory, nowMs)
    memory.conversations.set(key, fresh)
    this.#size += memory.conversations.size - before
    if (this.#size > this.#bounds.conversationsMax) this.#dropOldest()
    return fresh
  }

  #forget({ conversations }: CallerMemory): void {
    this.#size -= conversations.size
  }

  #dropOldest(): void {
    for (const caller of this.#callers.rvalues()) {
      if (caller?.conversations.pop() === undefined) continue
      this.#size -= 1
      return
    }
  }
}

/** Calls that were counted before they were decided, so that two at the same time cannot both be the last allowed one. */
export type Turn = {
  /** As it was without these calls. A value: what happens later does not change it. */
  state: ConversationState
  /** They were not let through after all. */
  takeBack(): void
}

/** One conversation of one caller. */
export class Conversation {
  lastMs: number
  readonly #caller: { day: number; transactions: number }
  readonly #toolCalls = new Map<string, number>()
  readonly #toolTokens = new Map<string, number>()
  readonly #toolNanos = new Map<string, bigint>()
  readonly #recent = new Map<string, number[]>()
  #actions = 0
  #errors = 0
  #halted = false

  constructor(caller: { day: number; transactions: number }, nowMs: number) {
    this.#caller = caller
    this.lastMs = nowMs
  }

  state(nowMs: number): ConversationState {
    this.#turnDay(nowMs)
    return {
      toolCalls: new Map(this.#toolCalls),
      toolTokens: new Map(this.#toolTokens),
      toolNanos: new Map(this.#toolNanos),
      recentToolCalls: new Map([...this.#recent].map(([tool, times]) => [tool, [...times]])),
      actions: this.#actions,
      errors: this.#errors,
      transactionsToday: this.#caller.transactions,
      halted: this.#halted,
    }
  }

  /**
   * Counts calls and says what was before them. Whoever refuses them afterwards takes them back.
   *
   * @returns null when the conversation has used too many different tools to be counted any further
   */
  begin(calls: readonly ToolCall[], nowMs: number): Turn | null {
    const names = new Set(calls.map(({ name }) => name))
    const added = [...names].filter((name) => !this.#toolCalls.has(name)).length
    if (this.#toolCalls.size + added > TOOLS_MAX) return null
    this.lastMs = nowMs
    const state = this.state(nowMs)
    const amount = calls.reduce((sum, { parsed }) => sum + (amountOf(parsed) ?? 0), 0)
    this.#count(calls, 1)
    this.#caller.transactions += amount
    const { day } = this.#caller
    for (const { name } of calls) {
      const times = (this.#recent.get(name) ?? []).filter((atMs) => atMs > nowMs - RECENT_MS)
      this.#recent.set(name, [...times, nowMs].slice(-RECENT_MAX))
    }
    let isOver = false
    return {
      state,
      takeBack: () => {
        if (isOver) return
        isOver = true
        this.#count(calls, -1)
        if (this.#caller.day === day) this.#caller.transactions = Math.max(0, this.#caller.transactions - amount)
        for (const { name } of calls) {
          const times = this.#recent.get(name) ?? []
          const at = times.lastIndexOf(nowMs)
          if (at !== -1) times.splice(at, 1)
        }
      },
    }
  }

  /** What a call has used up. Tools that were never let through are not counted. */
  spend(tool: string, tokens: number, nanos: bigint): void {
    if (!this.#toolCalls.has(tool)) return
    this.#toolTokens.set(tool, (this.#toolTokens.get(tool) ?? 0) + tokens)
    this.#toolNanos.set(tool, (this.#toolNanos.get(tool) ?? 0n) + nanos)
  }

  fail(): void {
    this.#errors += 1
  }

  halt(): void {
    this.#halted = true
  }

  #count(calls: readonly ToolCall[], step: 1 | -1): void {
    this.#actions += calls.length * step
    for (const { name } of calls) {
      const count = (this.#toolCalls.get(name) ?? 0) + step
      if (count > 0) this.#toolCalls.set(name, count)
      else if (!this.#toolTokens.has(name)) this.#toolCalls.delete(name)
      else this.#toolCalls.set(name, 0)
      if (count <= 0 && !this.#toolTokens.has(name)) this.#recent.delete(name)
    }
  }

  #turnDay(nowMs: number): void {
    const day = Math.floor(nowMs / DAY_MS)
    if (this.#caller.day === day) return
    this.#caller.day = day
    this.#caller.transactions = 0
  }
}
