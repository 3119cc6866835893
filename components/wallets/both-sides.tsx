import { ArrowRight } from 'lucide-react'
import { useTeamName } from '@/components/teams/use-team-name'
import { decimalsOf, moneyText } from '@/components/ui/money'
import type { Movement } from '@/lib/contract/wallets'

/** Both wallets of a movement, before and after it. */
export function BothSides({ movement: { from, to } }: { movement: Movement }) {
  const teamName = useTeamName()
  const sides = [...(from ? [{ role: 'From', ...from }] : []), ...(to ? [{ role: 'To', ...to }] : [])]
  const decimals = decimalsOf(sides.flatMap((side) => [side.balance_before_usd, side.balance_after_usd]))
  const nameOf = (id: string) => {
    const [scope, of] = id.split(/:(.*)/s)
    if (of === undefined) return 'Organization'
    return scope === 'team' ? `Team ${teamName(of)}` : `User ${of}`
  }
  return (
    <ul aria-label="Both sides" className="flex flex-col divide-y rounded-md border text-sm">
      {sides.map(({ role, wallet_id, balance_before_usd, balance_after_usd }) => (
        <li key={role} className="flex flex-wrap items-center justify-between gap-x-4 gap-y-1 px-3 py-2.5">
          <span>
            <span className="text-fg-muted">{role}</span> <span className="font-medium">{nameOf(wallet_id)}</span>
          </span>
          <span className="flex min-w-0 flex-wrap items-center gap-x-2 tabular-nums">
            <span className="text-fg-muted">{moneyText(balance_before_usd, decimals)}</span>
            <ArrowRight aria-label="becomes" className="size-3.5 text-fg-muted" />
            <span className="font-medium">{moneyText(balance_after_usd, decimals)}</span>
          </span>
        </li>
      ))}
    </ul>
  )
}
