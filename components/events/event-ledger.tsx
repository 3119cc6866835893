'use client'

import { useQuery } from '@tanstack/react-query'
import Link from 'next/link'
import { api } from '@/components/api'
import { useCan } from '@/components/shell/whoami-context'
import { IdText } from '@/components/ui/id-text'
import { decimalsOf, moneyText, signedMoneyText } from '@/components/ui/money'
import { RelativeTime } from '@/components/ui/relative-time'
import { monthText } from '@/components/usage/month-words'
import { KIND_WORDS } from '@/components/wallets/wallet-words'
import { type LedgerTransaction, ledger } from '@/lib/contract/ledger'
import { NO_MONEY, nanoUsdOf, usdOfNano } from '@/lib/money'

/** What was posted for a request, and what it comes to since prices were corrected. Nothing, where nothing was posted. */
export function EventLedger({ eventId }: { eventId: string }) {
  const canSpend = useCan('spend:read')
  const { data } = useQuery({
    queryKey: ['ledger', 'event', eventId],
    queryFn: ({ signal }) => api(ledger.ofEvent, { id: eventId }, { signal }),
    enabled: canSpend,
  })
  if (!data || data.items.length === 0) return null
  const decimals = decimalsOf([data.cost_usd, ...data.items.map(spentBy)])
  return (
    <table className="w-full border-separate border-spacing-0 text-sm tabular-nums">
      <caption className="pb-1 text-left text-fg-muted text-xs">In the ledger</caption>
      <tbody>
        {data.items.map((transaction) => (
          <tr key={transaction.id}>
            <th scope="row" className="border-b py-1 text-left align-top font-normal">
              {KIND_WORDS[transaction.kind]} <RelativeTime at={transaction.posted_at} /> <Sources of={transaction} />
              <span className="block text-fg-muted text-xs">
                <IdText id={transaction.id} /> {remarkOn(transaction)}
              </span>
            </th>
            <td className="whitespace-nowrap border-b py-1 pl-3 text-right align-top">
              {signedMoneyText(spentBy(transaction), decimals)}
            </td>
          </tr>
        ))}
        <tr>
          <th scope="row" className="py-1 text-left font-medium">
            What it cost by now
          </th>
          <td className="whitespace-nowrap py-1 pl-3 text-right font-medium">{moneyText(data.cost_usd, decimals)}</td>
        </tr>
      </tbody>
    </table>
  )
}

const SPEND = 'spend'
const UNFUNDED = 'unfunded'

const spentBy = ({ entries }: LedgerTransaction): string =>
  usdOfNano(
    entries.reduce((sum, { account, amount_usd }) => (account === SPEND ? sum + nanoUsdOf(amount_usd) : sum), 0n),
  )

/** Which wallets paid for it, or got something back. */
function Sources({ of }: { of: LedgerTransaction }) {
  const others = of.entries.filter(({ account, amount_usd }) => account !== SPEND && nanoUsdOf(amount_usd) !== NO_MONEY)
  const wallets = [...new Set(others.map(({ account }) => account.replace(/^(?:wallet|held):/, '')))]
  return (
    <span className="text-fg-muted">
      {wallets.map((wallet, at) => (
        <span key={wallet}>
          {at > 0 && ', '}
          {wallet === UNFUNDED ? (
            'out of no wallet'
          ) : (
            <Link
              href={`/wallets?open=${encodeURIComponent(wallet)}`}
              className="text-accent underline underline-offset-2"
            >
              {wallet}
            </Link>
          )}
        </span>
      ))}
    </span>
  )
}

function remarkOn({ month, late_from, note, actor }: LedgerTransaction): string {
  const posted = late_from === null ? '' : `posted to ${monthText(month)}, because ${monthText(late_from)} was closed`
  return [posted, note ?? '', actor ? `by ${actor.name}` : ''].filter(Boolean).join(', ')
}
