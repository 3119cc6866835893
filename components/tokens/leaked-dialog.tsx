'use client'

import { type FormEvent, type ReactNode, useState } from 'react'
import { useCan } from '@/components/shell/whoami-context'
import { Button } from '@/components/ui/button'
import { Dialog, DialogClose, DialogContent } from '@/components/ui/dialog'
import { ErrorState } from '@/components/ui/error-state'
import { Input } from '@/components/ui/input'
import { Label } from '@/components/ui/label'
import { ExactTime } from '@/components/ui/relative-time'
import { type Token, tokens } from '@/lib/contract/tokens'
import { LeakedCalls, LeakedChanges } from './leak-findings'
import { hoursAgo, LeakSinceField } from './leak-since-field'
import { PropagationList } from './propagation-list'
import { Consequence } from './revoke-dialog'
import { isLive } from './token-status'
import { useTokenCommand } from './use-token-command'

type LeakedDialogProps = { token: Token; open: boolean; onOpenChange: (open: boolean) => void }

/** For a secret in wrong hands: end it, see what it did since, take the report along. */
export function LeakedDialog({ token, open, onOpenChange }: LeakedDialogProps) {
  return (
    <Dialog open={open} onOpenChange={onOpenChange}>
      {open && (
        <DialogContent
          title={`${token.name} leaked`}
          description="End the key, then see what was done with it."
          className="max-w-xl"
          footer={
            <DialogClose asChild>
              <Button>Close</Button>
            </DialogClose>
          }
        >
          <div className="flex flex-col gap-6">
            <Stop token={token} />
            <WhatItDid token={token} />
          </div>
        </DialogContent>
      )}
    </Dialog>
  )
}

function Stop({ token }: { token: Token }) {
  const canWrite = useCan('tokens:write')
  const revoke = useTokenCommand(tokens.revoke)
  const [typed, setTyped] = useState('')
  if (token.revoked_at) {
    return (
      <Step title="1. It is revoked">
        <ExactTime at={token.revoked_at} />
        {token.token_type === 'gateway' ? (
          <PropagationList id={token.id} />
        ) : (
          <p className="text-sm">The control plane refuses it.</p>
        )}
      </Step>
    )
  }
  if (!isLive(token)) {
    return (
      <Step title="1. It has expired">
        <p className="text-sm">Nobody can use it any more.</p>
      </Step>
    )
  }
  if (!canWrite) {
    return (
      <Step title="1. Revoke it">
        <p className="text-sm">It still works. An owner, admin or developer can revoke it.</p>
      </Step>
    )
  }
  const isConfirmed = typed.trim() === token.name
  const submit = (event: FormEvent) => {
    event.preventDefault()
    if (isConfirmed && !revoke.isPending) revoke.mutate({ id: token.id, reason: 'Leaked' })
  }
  return (
    <Step title="1. Revoke it">
      <form onSubmit={submit} className="flex flex-col gap-3 text-sm">
        <Consequence token={token} />
        <div className="flex flex-col gap-1.5">
          <Label htmlFor="leaked-name">
            Type <span className="select-all rounded-md bg-sunken px-1 font-mono text-xs">{token.name}</span> to confirm
          </Label>
          <div className="flex gap-2">
            <Input
              id="leaked-name"
              autoComplete="off"
              autoCapitalize="none"
              spellCheck={false}
              value={typed}
              onChange={({ target }) => setTyped(target.value)}
            />
            <Button type="submit" variant="danger" disabled={!isConfirmed || revoke.isPending}>
              {revoke.isPending ? 'Revoking…' : 'Revoke key'}
            </Button>
          </div>
        </div>
        {revoke.error && <ErrorState error={revoke.error} title="It was not revoked" />}
      </form>
    </Step>
  )
}

function WhatItDid({ token }: { token: Token }) {
  const [since, setSince] = useState(() => hoursAgo(24))
  const canEvents = useCan('events:read')
  const canActivity = useCan('activity:read')
  const isGateway = token.token_type === 'gateway'
  if (!(isGateway ? canEvents : canActivity)) {
    return (
      <Step title="2. What it did">
        <p className="text-fg-muted text-sm">Your role may not read what keys did. A security reviewer can.</p>
      </Step>
    )
  }
  return (
    <Step title="2. What it did">
      <LeakSinceField token={token} since={since} onChange={setSince} />
      {isGateway ? <LeakedCalls token={token} since={since} /> : <LeakedChanges token={token} since={since} />}
    </Step>
  )
}

const Step = ({ title, children }: { title: string; children: ReactNode }) => (
  <section aria-label={title} className="flex flex-col gap-3">
    <h3 className="font-medium text-sm">{title}</h3>
    {children}
  </section>
)
