'use client'

import { ChartColumn, ListTree, Pencil, Trash2, TrendingUp } from 'lucide-react'
import Link from 'next/link'
import { useState } from 'react'
import { useCan } from '@/components/shell/whoami-context'
import { Button } from '@/components/ui/button'
import { ConfirmDialog } from '@/components/ui/confirm-dialog'
import { CopyAsMenu } from '@/components/ui/copy-as-menu'
import { moneyText } from '@/components/ui/money'
import { notice } from '@/components/ui/notice'
import { historyPath } from '@/components/usage/history-path'
import { type Budget, budgets, type Held, type Raise } from '@/lib/contract/budgets'
import { filterOfScope } from './budget-words'
import { EditBudgetDialog } from './edit-budget-dialog'
import { RaiseDialog } from './raise-dialog'
import { useBudgetCommand } from './use-budget-command'

export type BudgetDetail = Budget & { held: Held[]; raises: Raise[] }

type ActionsProps = { budget: BudgetDetail; mayWrite: boolean; onGone: () => void }

/** What can be done with a budget, and where its numbers come from. */
export function BudgetActions({ budget, mayWrite, onGone }: ActionsProps) {
  const [dialog, setDialog] = useState<'raise' | 'change' | 'delete' | null>(null)
  const canEvents = useCan('events:read')
  const { scope, current } = budget
  const filter = filterOfScope(scope)
  const isCounted = scope.model === undefined
  const span = { since: current.starts_at, until: new Date().toISOString() }
  const usage = new URLSearchParams({ since: current.starts_at, ...(filter ? { filter } : {}) })
  const close = () => setDialog(null)
  return (
    <div className="flex flex-wrap gap-2">
      {mayWrite && (
        <>
          <Button size="sm" variant="primary" onClick={() => setDialog('raise')}>
            <TrendingUp /> Raise
          </Button>
          <Button size="sm" onClick={() => setDialog('change')}>
            <Pencil /> Change
          </Button>
        </>
      )}
      {isCounted && (
        <Button asChild size="sm">
          <Link href={`/usage?${usage}`}>
            <ChartColumn /> Its usage
          </Link>
        </Button>
      )}
      {canEvents && (
        <Button asChild size="sm">
          <Link href={historyPath(span, filter)}>
            <ListTree /> Its requests
          </Link>
        </Button>
      )}
      <CopyAsMenu items={copyAs(budget.id)} />
      {mayWrite && (
        <Button size="sm" variant="ghost" onClick={() => setDialog('delete')}>
          <Trash2 /> Delete
        </Button>
      )}
      {dialog === 'raise' && <RaiseDialog budget={budget} onClose={close} />}
      {dialog === 'change' && <EditBudgetDialog budget={budget} onClose={close} />}
      {dialog === 'delete' && <DeleteDialog budget={budget} onClose={close} onGone={onGone} />}
    </div>
  )
}

function DeleteDialog({ budget, onClose, onGone }: { budget: BudgetDetail; onClose: () => void; onGone: () => void }) {
  const remove = useBudgetCommand(budgets.delete)
  const gateways = new Set(budget.held.map(({ gateway_id }) => gateway_id)).size
  return (
    <ConfirmDialog
      open
      onOpenChange={(next) => !next && onClose()}
      title={`Delete “${budget.name}”?`}
      confirmLabel="Delete budget"
      typedName={budget.name}
      isPending={remove.isPending}
      error={remove.error}
      onConfirm={() =>
        remove.mutate(
          { id: budget.id },
          {
            onSuccess: () => {
              notice.success(`${budget.name} is deleted.`)
              onClose()
              onGone()
            },
          },
        )
      }
    >
      <p>
        {budget.hard ? 'It refuses nothing from then on. ' : ''}
        {moneyText(budget.current.committed_usd)} of {moneyText(budget.current.limit_usd)} is committed in this window;
        {gateways === 0
          ? ' no gateway holds any of it.'
          : ` ${gateways === 1 ? 'one gateway holds' : `${gateways} gateways hold`} ${moneyText(budget.current.held_usd)} of it and drop${gateways === 1 ? 's' : ''} it.`}
      </p>
      <p>
        What it counted stays in the record. It cannot be brought back; one like it begins with what its window cost.
      </p>
    </ConfirmDialog>
  )
}

const copyAs = (id: string): Record<string, string> => ({
  kt: `kt budget raise ${id} --amount 500 --reason "Quarter end" --until 7d`,
  curl: `curl -fsS -H "Authorization: Bearer $KEEPTRUSTS_API_TOKEN" "$KEEPTRUSTS_API_URL/v1/billing/budgets/${id}"`,
})
