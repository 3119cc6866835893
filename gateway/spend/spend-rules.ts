import type { GatewayBudget, GatewaySpend } from '@/lib/contract/spend-shapes'
import { type NanoUsd, nanoUsdOf } from '@/lib/money'

/** Whom a request is counted for, in the words of its event. */
export type Spender = {
  teamId: string | null
  userId: string | null
  agentId: string | null
  tokenId: string | null
  /** As it was asked for. */
  model: string | null
}

/** One window of a budget. */
export type BudgetWindow = {
  budget: BudgetRule
  startMs: number
  /** When the next one begins, in milliseconds since the epoch; null when that is not known, or never. */
  resetMs: number | null
  /** Names it among all sources of leases. */
  key: string
}

/** What a request has to pass. */
export type SpendMatch = {
  /** That count it. */
  budgets: readonly BudgetRule[]
  /** That may pay for it, in order; null: nobody has to. */
  wallets: readonly string[] | null
}

export class BudgetRule {
  readonly id: string
  readonly name: string
  readonly limitUsd: string
  /** Only requests that this provider answers count; null: whoever answers. */
  readonly provider: string | null
  readonly mayGoOnAlone: boolean
  readonly #windows: readonly BudgetWindow[]

  constructor(readonly told: GatewayBudget) {
    this.id = told.id
    this.name = told.name
    this.limitUsd = told.limit_usd
    this.provider = told.scope.provider ?? null
    this.mayGoOnAlone = told.on_unavailable === 'allow'
    this.#windows = told.windows_ms.map((startMs, at) => this.#window(startMs, told.windows_ms[at + 1] ?? null))
  }

  /** The same budget, with windows that begin at these times. */
  withWindows(windows_ms: readonly number[]): BudgetRule {
    return new BudgetRule({ ...this.told, windows_ms: [...windows_ms] })
  }

  /**
   * A moment that lies in no window that this gateway knows is covered by none of them: it is charged to another. A lease is
   * asked for of one that begins when none does, so that the control plane tells which there are.
   */
  windowAt(ms: number): BudgetWindow {
    const { windows_ms: starts } = this.told
    const known = this.#windows[windowIndexAt(starts, ms)]
    if (known !== undefined) return known
    const [first = 0, last = 0] = [starts[0], starts.at(-1)]
    return ms < first ? this.#window(first - 1, first) : this.#window(last + 1, last + 1)
  }

  #window(startMs: number, resetMs: number | null): BudgetWindow {
    return { budget: this, startMs, resetMs, key: `${this.id} ${startMs}` }
  }
}

/** Of windows that do not repeat: what was before an anchor, and a lifetime, which has no end. */
const UNREPEATED_MAX = 2

/** In which of the windows that begin at these times a moment lies (`WindowStarts`); -1 for none of them. */
export function windowIndexAt(starts: readonly number[], ms: number): number {
  const last = starts.length - 1
  let at = last
  while (at >= 0 && ms < (starts[at] ?? 0)) at -= 1
  return at === last && starts.length > UNREPEATED_MAX ? -1 : at
}

/** Combinations that are remembered. Callers cannot make up new ones: what no budget names counts as nothing. */
const REMEMBERED_MAX = 20_000
const PARTS = ['team_id', 'user_id', 'agent_id', 'token_id', 'model'] as const
const NOTHING: SpendMatch = { budgets: [], wallets: null }

/** Budgets and wallets as the control plane told them, compiled once for many requests. Immutable but for what it remembers. */
export class SpendRules {
  readonly unknownPrice: GatewaySpend['unknown_price']
  /** What a request is taken to cost whose price nobody knows, under `hold_default`. */
  readonly unknownPriceUsd: NanoUsd
  /** There is nothing to do for any request. */
  readonly isIdle: boolean
  readonly #budgets: readonly BudgetRule[]
  readonly #wallets: ReadonlySet<string> | null
  /** Values that some budget or wallet names; every other is as good as none. */
  readonly #named: Record<(typeof PARTS)[number], ReadonlySet<string>>
  readonly #matches = new Map<string, SpendMatch>()

  constructor(readonly told: GatewaySpend) {
    this.unknownPrice = told.unknown_price
    this.unknownPriceUsd = nanoUsdOf(told.unknown_price_usd)
    this.#budgets = told.budgets.map((budget) => new BudgetRule(budget))
    this.#wallets = told.wallets && new Set(told.wallets)
    this.isIdle = told.budgets.length === 0 && told.wallets === null && told.unknown_price === 'flag'
    this.#named = {
      team_id: this.#valuesOf('team_id', 'team:'),
      user_id: this.#valuesOf('user_id', 'user:'),
      agent_id: this.#valuesOf('agent_id', null),
      token_id: this.#valuesOf('token_id', null),
      model: this.#valuesOf('model', null),
    }
  }

  match(who: Spender): SpendMatch {
    if (this.#budgets.length === 0 && this.#wallets === null) return NOTHING
    const { team_id, user_id, agent_id, token_id, model } = this.#named
    const team = known(team_id, who.teamId)
    const user = known(user_id, who.userId)
    const agent = known(agent_id, who.agentId)
    const token = known(token_id, who.tokenId)
    const asked = known(model, who.model)
    // No part has a line feed: ids and names are printable.
    const key = `${team}\n${user}\n${agent}\n${token}\n${asked}`
    const remembered = this.#matches.get(key)
    if (remembered !== undefined) return remembered
    const parts = { team_id: team, user_id: user, agent_id: agent, token_id: token, model: asked }
    const match = {
      budgets: this.#budgets.filter((budget) => isMeant(budget, parts)),
      wallets: this.#cascade(team, user),
    }
    if (this.#matches.size >= REMEMBERED_MAX) this.#matches.clear()
    this.#matches.set(key, match)
    return match
  }

  /** The user's own, the team's, the organisation's: those of them that there are. */
  #cascade(team: string, user: string): readonly string[] | null {
    const wallets = this.#wallets
    if (wallets === null) return null
    return [`user:${user}`, `team:${team}`, 'organization'].filter((id) => wallets.has(id))
  }

  #valuesOf(part: (typeof PARTS)[number], prefix: string | null): ReadonlySet<string> {
    const values = new Set<string>()
    for (const { told } of this.#budgets) {
      const value = told.scope[part]
      if (value !== undefined) values.add(value)
    }
    if (prefix === null) return values
    for (const id of this.#wallets ?? []) if (id.startsWith(prefix)) values.add(id.slice(prefix.length))
    return values
  }
}

const known = (named: ReadonlySet<string>, value: string | null): string =>
  value !== null && named.has(value) ? value : ''

const isMeant = ({ told: { scope } }: BudgetRule, parts: Record<(typeof PARTS)[number], string>): boolean =>
  PARTS.every((part) => scope[part] === undefined || scope[part] === parts[part])
