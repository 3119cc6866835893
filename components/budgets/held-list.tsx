'use client'

import { Undo2 } from 'lucide-react'
import { useState } from 'react'
import { Button } from '@/components/ui/button'
import { ConfirmDialog } from '@/components/ui/confirm-dialog'
import { describedBy, Field } from '@/components/ui/field'
import { Input } from '@/components/ui/input'
import { decimalsOf, moneyText } from '@/components/ui/money'
import { notice } from '@/components/ui/notice'
import { RelativeTime } from '@/components/ui/relative-time'
import { StatusBadge } from '@/components/ui/status-badge'
import { budgets, type Held } from '@/lib/contract/budgets'
import { displayName } from '@/lib/contract/fields'
import { useBudgetCommand } from './use-budget-command'

type HeldListProps = { held: readonly Held[]; mayRelease: boolean; onReleased?: () => void }

/** Which gateway holds how much until when. What one holds that will not come back can be taken back early. */
export function HeldList({ held, mayRelease, onReleased }: HeldListProps) {
  const [releasing, setReleasing] = useState<Held | null>(null)
  if (held.length === 0) return <p className="text-fg-muted text-sm">No gateway holds any of it.</p>
  const decimals = decimalsOf(held.map(({ amount_usd }) => amount_usd))
  return (
    <>
      <ul aria-label="Held by gateways" className="flex flex-col divide-y rounded-md border">
        {held.map((lease) => (
          <li key={lease.lease_id} className="flex flex-wrap items-center gap-x-3 gap-y-1 px-3 py-2 text-sm">
            <span className="font-medium tabular-nums">{moneyText(lease.amount_usd, decimals)}</span>
            <span className="min-w-0 flex-1 basis-40 text-fg-muted">
              held by <span className="text-fg">{lease.gateway_id}</span> until{' '}
              <RelativeTime isClock at={lease.state === 'open' ? lease.expires_at : lease.held_until} />
            </span>
            {lease.state === 'expired' && <StatusBadge tone="attention">Not renewed</StatusBadge>}
            {lease.state === 'expired' && mayRelease && (
              <Button size="sm" onClick={() => setReleasing(lease)}>
                <Undo2 /> Take back…
              </Button>
            )}
          </li>
        ))}
      </ul>
      {releasing && (
        <ReleaseDialog
          lease={releasing}
          onClose={() => setReleasing(null)}
          onReleased={onReleased ?? (() => undefined)}
        />
      )}
    </>
  )
}

type ReleaseDialogProps = { lease: Held; onClose: () => void; onReleased: () => void }

function ReleaseDialog({ lease, onClose, onReleased }: ReleaseDialogProps) {
  const [reason, setReason] = useState('')
  const [problem, setProblem] = useState<string>()
  const release = useBudgetCommand(budgets.releaseHeld)
  return (
    <ConfirmDialog
      open
      onOpenChange={(next) => !next && onClose()}
      title={`Take back ${moneyText(lease.amount_usd)} from ${lease.gateway_id}?`}
      confirmLabel="Take it back"
      isPending={release.isPending}
      error={release.error}
      onConfirm={() => {
        const checked = displayName.safeParse(reason)
        setProblem(checked.success ? undefined : 'Say why in one line of up to 80 characters.')
        if (!checked.success) return
        release.mutate(
          { id: lease.lease_id, reason: checked.data },
          {
            onSuccess: ({ released_usd }) => {
              notice.success(`${moneyText(released_usd)} came back.`)
              onReleased()
              onClose()
            },
          },
        )
      }}
    >
      <p>
        The gateway has not asked for it again since <RelativeTime isClock focusable={false} at={lease.expires_at} />.
        By itself it comes back at <RelativeTime isClock focusable={false} at={lease.held_until} />.
      </p>
      <p>Should events of that gateway come all the same, they are charged, and may take a budget beyond its limit.</p>
      <Field
        id="release-reason"
        label="Why is it taken back?"
        hint="Your reason and your name go into the activity record."
        error={problem}
      >
        <Input
          {...describedBy('release-reason', problem)}
          value={reason}
          maxLength={80}
          autoComplete="off"
          placeholder="The machine is gone"
          onChange={(event) => setReason(event.target.value)}
        />
      </Field>
    </ConfirmDialog>
  )
}
