'use client'

import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { Button } from '@/components/ui/button'
import { ConfirmDialog } from '@/components/ui/confirm-dialog'
import { Dialog, DialogClose, DialogContent } from '@/components/ui/dialog'
import { type Token, tokens } from '@/lib/contract/tokens'
import { PropagationList } from './propagation-list'
import { tokenQueries } from './token-queries'
import { useTokenCommand } from './use-token-command'

type RevokeDialogProps = { token: Token; open: boolean; onOpenChange: (open: boolean) => void }

/** The consequence in numbers, the name typed, and afterwards each gateway's confirmation. */
export function RevokeDialog({ token, open, onOpenChange }: RevokeDialogProps) {
  const [isRevoked, setIsRevoked] = useState(false)
  const revoke = useTokenCommand(tokens.revoke)
  if (isRevoked) {
    return (
      <Dialog open={open} onOpenChange={onOpenChange}>
        <DialogContent
          title={`${token.name} is revoked`}
          description="Requests under way complete; new ones get 401."
          footer={
            <DialogClose asChild>
              <Button variant="primary">Done</Button>
            </DialogClose>
          }
        >
          {token.token_type === 'gateway' ? (
            <PropagationList id={token.id} />
          ) : (
            <p className="text-sm">The control plane refuses it from now on.</p>
          )}
        </DialogContent>
      </Dialog>
    )
  }
  return (
    <ConfirmDialog
      open={open}
      onOpenChange={onOpenChange}
      title={`Revoke ${token.name}?`}
      confirmLabel="Revoke key"
      typedName={token.name}
      isPending={revoke.isPending}
      error={revoke.error}
      onConfirm={() => revoke.mutate({ id: token.id }, { onSuccess: () => setIsRevoked(true) })}
    >
      <Consequence token={token} />
      <p className="text-fg-muted">This cannot be undone: whoever still needs access gets a new key.</p>
    </ConfirmDialog>
  )
}

/** What revoking a key does, in numbers. */
export function Consequence({ token }: { token: Token }) {
  const { data, error } = useQuery(tokenQueries.propagation(token.id))
  if (token.token_type === 'access') {
    return <p>Everything that uses this access key gets 401 on its next call to the control plane.</p>
  }
  if (error) return <p>How many calls it carried could not be read. Requests under way complete; new ones get 401.</p>
  if (!data) return <p className="text-fg-muted">Counting what uses it…</p>
  const { requests_last_hour: calls } = data
  const serving = data.items.filter(({ status }) => status !== 'pending').length
  return (
    <p>
      <strong className="font-semibold">{count(serving, 'gateway serves', 'gateways serve')}</strong> this key;{' '}
      <strong className="font-semibold">{count(calls, 'call', 'calls')}</strong> in the last hour. Requests under way
      complete; new ones get 401.
    </p>
  )
}

const count = (n: number, one: string, many: string) => `${n.toLocaleString('en')} ${n === 1 ? one : many}`
