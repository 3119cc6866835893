'use client'

import { useMutation, useQueryClient } from '@tanstack/react-query'
import { Check, TriangleAlert } from 'lucide-react'
import { useState } from 'react'
import { Button } from '@/components/ui/button'
import { ConfirmDialog } from '@/components/ui/confirm-dialog'
import { Dialog, DialogClose, DialogContent } from '@/components/ui/dialog'
import { RelativeTime } from '@/components/ui/relative-time'
import { ScrollRegion } from '@/components/ui/scroll-region'
import { type Token, tokens } from '@/lib/contract/tokens'
import { AppError } from '@/lib/errors'
import { api } from '../api'
import { PropagationList } from './propagation-list'
import { tokenQueries } from './token-queries'
import { TYPE_WORDS } from './token-words'

type BulkRevokeDialogProps = { chosen: readonly Token[]; open: boolean; onClose: () => void }
type Result = { token: Token; problem: string | null }

/** Revokes several keys: says which, has the number typed, does one after the other and says what became of each. */
export function BulkRevokeDialog({ chosen, open, onClose }: BulkRevokeDialogProps) {
  const queryClient = useQueryClient()
  // The list may change while this is open; what was agreed to is what was shown.
  const [agreed, setAgreed] = useState<readonly Token[] | null>(null)
  const listed = agreed ?? chosen
  const words = countText(listed)
  const revoke = useMutation({
    mutationFn: async (all: readonly Token[]) => {
      const results: Result[] = []
      for (const token of all) results.push({ token, problem: await revoked(token) })
      return results
    },
    onSettled: () => void queryClient.invalidateQueries({ queryKey: tokenQueries.all }),
  })
  const close = () => {
    if (revoke.isPending) return
    setAgreed(null)
    revoke.reset()
    onClose()
  }
  if (revoke.data) return <Results results={revoke.data} open={open} onClose={close} />
  return (
    <ConfirmDialog
      open={open && listed.length > 0}
      onOpenChange={(next) => !next && close()}
      title={`Revoke ${words}?`}
      confirmLabel={`Revoke ${words}`}
      typedName={`revoke ${listed.length}`}
      isPending={revoke.isPending}
      error={revoke.error}
      onConfirm={() => {
        setAgreed(listed)
        revoke.mutate(listed)
      }}
    >
      <p>
        Requests under way complete; new ones with {listed.length === 1 ? 'this key' : 'one of these keys'} get 401.
        This cannot be undone.
      </p>
      <ScrollRegion aria-label="Keys to revoke" className="max-h-56">
        <ul className="divide-y">
          {listed.map((token) => (
            <li key={token.id} className="flex flex-wrap items-baseline gap-x-2 px-3 py-1.5">
              <span className="min-w-0 break-words font-medium">{token.name}</span>
              <span className="ml-auto text-fg-muted text-xs">
                last used {token.last_used_at ? <RelativeTime at={token.last_used_at} /> : 'never'}
              </span>
            </li>
          ))}
        </ul>
      </ScrollRegion>
    </ConfirmDialog>
  )
}

/** @returns why it was not revoked, or null */
async function revoked({ id }: Token): Promise<string | null> {
  try {
    await api(tokens.revoke, { id })
    return null
  } catch (thrown) {
    if (thrown instanceof AppError) return thrown.message
    throw thrown
  }
}

function Results({ results, open, onClose }: { results: Result[]; open: boolean; onClose: () => void }) {
  const done = results.filter(({ problem }) => problem === null)
  // Revisions only grow: who has confirmed the last key has confirmed those before it.
  const last = done.findLast(({ token }) => token.token_type === 'gateway')
  return (
    <Dialog open={open} onOpenChange={(next) => !next && onClose()}>
      <DialogContent
        title={`${done.length} of ${countText(results.map(({ token }) => token))} revoked`}
        description="Requests under way complete; new ones get 401."
        footer={
          <DialogClose asChild>
            <Button variant="primary">Done</Button>
          </DialogClose>
        }
      >
        <div className="flex flex-col gap-4">
          <ul aria-label="What became of each key" className="flex flex-col divide-y rounded-md border text-sm">
            {results.map(({ token, problem }) => (
              <li key={token.id} className="flex items-start gap-2 px-3 py-2">
                {problem === null ? (
                  <Check aria-hidden className="mt-0.5 size-4 shrink-0 text-ok" />
                ) : (
                  <TriangleAlert aria-hidden className="mt-0.5 size-4 shrink-0 text-attention" />
                )}
                <span className="min-w-0 flex-1 break-words">{token.name}</span>
                <span className={problem ? 'text-danger-text text-xs' : 'text-fg-muted text-xs'}>
                  {problem ?? 'Revoked'}
                </span>
              </li>
            ))}
          </ul>
          {last && <PropagationList id={last.token.id} />}
        </div>
      </DialogContent>
    </Dialog>
  )
}

function countText([first, ...more]: readonly Token[]): string {
  const { one, many } = TYPE_WORDS[first?.token_type ?? 'gateway']
  return more.length === 0 ? `1 ${one}` : `${more.length + 1} ${many.toLowerCase()}`
}
