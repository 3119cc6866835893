import type { GatewayEvent } from '@/lib/contract/events'
import type { LeaseAsk, LeaseSource } from '@/lib/contract/spend-leases'
import { newId } from '@/lib/ids'
import { nanoUsdOf, usdOfNano } from '@/lib/money'
import type { AskForSlices, LeaseAnswers } from './ask-for-leases'

type FakeLease = { id: string; instance: string; granted: bigint; returned: bigint; settled: bigint; isOver: boolean }
type FakeSource = {
  limit: bigint
  spent: bigint
  leases: FakeLease[]
  isRemoved: boolean
  isEnded: boolean
  windows?: number[]
}

export const windowOf = (id: string, startMs = 0): LeaseSource => ({
  kind: 'budget',
  budget_id: id,
  window_start_ms: startMs,
})
export const walletOf = (id: string): LeaseSource => ({ kind: 'wallet', wallet_id: id })

/** Budgets and wallets of a control plane in the test's hand, in memory: what is spent and held never passes a limit. */
export class FakeBudgets {
  readonly asks: { instance: string; groups: LeaseAsk[][] }[] = []
  /** A slice is at most this part of what is left, but never less than what is needed. */
  share = 2n
  /** Of the budgets and wallets that gateways are told of. */
  revision: string | undefined
  /** Whether it says that others were asked to give back. */
  isRecalled = false
  /** Thrown instead of an answer. */
  failure: Error | null = null
  /** Does what it is asked, and nobody hears of it. */
  losesAnswers = false
  /** What the next answers wait for. */
  gate: Promise<void> | null = null
  readonly #sources = new Map<string, FakeSource>()

  limit(source: LeaseSource, usd: string): void {
    const known = this.#sources.get(keyOf(source))
    if (known === undefined)
      this.#sources.set(keyOf(source), {
        limit: nanoUsdOf(usd),
        spent: 0n,
        leases: [],
        isRemoved: false,
        isEnded: false,
      })
    else known.limit = nanoUsdOf(usd)
  }

  remove(source: LeaseSource): void {
    this.#of(source).isRemoved = true
  }

  /** Its window is over, or was changed: nothing more is given of it. */
  end(source: LeaseSource): void {
    this.#of(source).isEnded = true
  }

  /** The windows of its budget were changed: those that it has now are told to whoever asks for this one. */
  move(source: LeaseSource, windows: number[]): void {
    Object.assign(this.#of(source), { isEnded: true, windows })
  }

  /** There is such a source again. */
  restore(source: LeaseSource): void {
    this.#of(source).isRemoved = false
  }

  /** Nobody came for what was left of its leases: they are over, and who asks again gets another one. */
  takeBack(source: LeaseSource): void {
    for (const lease of this.#of(source).leases) lease.isOver = true
  }

  /** In dollars: granted to gateways, and neither given back nor settled. */
  heldOf(source: LeaseSource): string {
    return usdOfNano(heldBy(this.#of(source)))
  }

  spentOf(source: LeaseSource): string {
    return usdOfNano(this.#of(source).spent)
  }

  readonly ask: AskForSlices = async (instance, groups) => {
    this.asks.push({ instance, groups })
    if (this.gate !== null) await this.gate
    if (this.failure !== null) throw this.failure
    const answers = groups.map((group) => this.#answer(instance, group))
    if (this.losesAnswers) throw new Error('The answer is lost.')
    return { server_time: new Date().toISOString(), spend_revision: this.revision, groups: answers }
  }

  /** As the control plane does with a recorded event: what it cost comes out of the leases that it names. */
  settle({ spend, event_cost_attribution: cost }: Pick<GatewayEvent, 'spend' | 'event_cost_attribution'>): void {
    const total = cost.total_cost_usd === null ? 0n : nanoUsdOf(cost.total_cost_usd)
    for (const id of spend?.leases ?? []) this.charge(id, total)
  }

  charge(leaseId: string, cost: bigint): void {
    for (const source of this.#sources.values()) {
      const lease = source.leases.find(({ id }) => id === leaseId)
      if (lease === undefined) continue
      source.spent += cost
      lease.settled += min(cost, leftOf(lease))
    }
  }

  #answer(instance: string, group: LeaseAsk[]): LeaseAnswers['groups'][number] {
    const found = group.map((ask) => ({ ask, source: this.#sources.get(keyOf(ask.source)) }))
    const leases = found.map(({ ask, source }) => source && leaseOf(source, instance, ask))
    const exists = found.map(({ source }) => source !== undefined && !source.isRemoved)
    const wants = found.map(({ ask, source }, at) => {
      const beyond = (leases[at]?.granted ?? 0n) - BigInt(ask.known)
      const want = max(BigInt(ask.want) - beyond, 0n)
      const least = max(BigInt(ask.least) - beyond, 0n)
      const left =
        source === undefined || source.isRemoved || source.isEnded || leases[at]?.isOver
          ? 0n
          : source.limit - source.spent - heldBy(source)
      const slice = max(left / this.share, least)
      return { given: min(min(want, slice), left), isShort: exists[at] === true && left < least }
    })
    const isShort = wants.some((want) => want.isShort)
    if (!isShort) {
      for (const [at, lease] of leases.entries()) if (lease) lease.granted += max(wants[at]?.given ?? 0n, 0n)
    }
    return {
      leases: leases.map((lease, at) =>
        lease && (exists[at] || leftOf(lease) > 0n)
          ? {
              lease_id: lease.id,
              granted: String(lease.granted),
              expires_in_ms: 60_000,
              is_closed: lease.isOver || exists[at] === false || found[at]?.source?.isEnded === true,
              is_gone: exists[at] === false,
              windows_ms: found[at]?.source?.windows,
            }
          : null,
      ),
      short: found.flatMap(({ ask, source }, at) =>
        source && isShort && (wants[at]?.isShort || ask.want === '0')
          ? [
              {
                source: ask.source,
                limit_usd: usdOfNano(source.limit),
                committed_usd: usdOfNano(source.spent),
                held_usd: usdOfNano(heldBy(source)),
                resets_at: null,
              },
            ]
          : [],
      ),
      is_recalled: isShort && this.isRecalled,
    }
  }

  #of(source: LeaseSource): FakeSource {
    const found = this.#sources.get(keyOf(source))
    if (found === undefined) throw new Error('There is no such source.')
    return found
  }
}

const keyOf = (source: LeaseSource): string =>
  source.kind === 'budget' ? `${source.budget_id} ${source.window_start_ms}` : source.wallet_id

function leaseOf({ leases }: FakeSource, instance: string, ask: LeaseAsk): FakeLease {
  const { returned, known, lease_id: id } = ask
  const own = leases.filter((one) => one.instance === instance)
  const isUnseen = (one: FakeLease) => known !== '0' || one.returned + one.settled === 0n
  const standing = own.find((one) => !one.isOver && isUnseen(one)) ?? (known === '0' ? undefined : own.at(-1))
  let lease = id === undefined ? standing : own.find((one) => one.id === id)
  if (lease === undefined || (id === undefined && lease.isOver && known === '0')) {
    lease = { id: newId('lse'), instance, granted: 0n, returned: 0n, settled: 0n, isOver: false }
    leases.push(lease)
  }
  const more = BigInt(returned) - lease.returned
  if (more > 0n) lease.returned += min(more, leftOf(lease))
  return lease
}

const leftOf = ({ granted, returned, settled, isOver }: FakeLease): bigint =>
  isOver ? 0n : max(granted - returned - settled, 0n)
const heldBy = ({ leases }: FakeSource): bigint => leases.reduce((sum, lease) => sum + leftOf(lease), 0n)
const max = (a: bigint, b: bigint): bigint => (a > b ? a : b)
const min = (a: bigint, b: bigint): bigint => (a < b ? a : b)
