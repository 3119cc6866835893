'use client'

import { useState } from 'react'
import { Button } from '@/components/ui/button'
import { ConfirmDialog } from '@/components/ui/confirm-dialog'
import { moneyText } from '@/components/ui/money'
import { notice } from '@/components/ui/notice'
import { RelativeTime } from '@/components/ui/relative-time'
import { StatusBadge } from '@/components/ui/status-badge'
import { type Budget, budgets, type Raise } from '@/lib/contract/budgets'
import { useBudgetCommand } from './use-budget-command'

type RaisesListProps = { budget: Budget; raises: readonly Raise[]; mayEnd: boolean }

/** Who raised it by how much, why, and until when. */
export function RaisesList({ budget, raises, mayEnd }: RaisesListProps) {
  const [ending, setEnding] = useState<Raise | null>(null)
  if (raises.length === 0) return <p className="text-fg-muted text-sm">It was not raised.</p>
  return (
    <>
      <ul aria-label="Raises" className="flex flex-col divide-y rounded-md border">
        {raises.map((raise) => (
          <li key={raise.id} className="flex flex-wrap items-center gap-x-3 gap-y-1 px-3 py-2 text-sm">
            <span className="font-medium tabular-nums">{moneyText(raise.amount_usd)}</span>
            <span className="min-w-0 flex-1 basis-40">
              {raise.reason}
              <span className="block text-fg-muted text-xs">
                {raise.created_by.name} <RelativeTime at={raise.created_at} />
                {raise.approved_by && `, agreed by ${raise.approved_by}`}
              </span>
            </span>
            {isOver(raise) ? (
              <StatusBadge tone="neutral">Ended</StatusBadge>
            ) : (
              <>
                <span className="text-fg-muted text-xs">
                  until <RelativeTime isClock at={raise.expires_at} />
                </span>
                {mayEnd && (
                  <Button size="sm" onClick={() => setEnding(raise)}>
                    End…
                  </Button>
                )}
              </>
            )}
          </li>
        ))}
      </ul>
      {ending && <EndDialog budget={budget} raise={ending} onClose={() => setEnding(null)} />}
    </>
  )
}

const isOver = ({ ended_at, expires_at }: Raise) => ended_at !== null || Date.parse(expires_at) <= Date.now()

function EndDialog({ budget, raise, onClose }: { budget: Budget; raise: Raise; onClose: () => void }) {
  const end = useBudgetCommand(budgets.endRaise)
  return (
    <ConfirmDialog
      open
      onOpenChange={(next) => !next && onClose()}
      title={`End the raise of ${moneyText(raise.amount_usd)}?`}
      confirmLabel="End raise"
      isPending={end.isPending}
      error={end.error}
      onConfirm={() =>
        end.mutate(
          { id: budget.id, raise_id: raise.id },
          {
            onSuccess: () => {
              notice.success('The raise is over.')
              onClose()
            },
          },
        )
      }
    >
      <p>
        {moneyText(budget.current.committed_usd)} is committed and {moneyText(budget.current.held_usd)} held in this
        window. What was let through stays; beyond the limit without the raise, whatever comes next is refused.
      </p>
    </ConfirmDialog>
  )
}
