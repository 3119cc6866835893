'use client'

import { Scissors } from 'lucide-react'
import { useState } from 'react'
import { Badge } from '@/components/ui/badge'
import { Button } from '@/components/ui/button'
import { ConfirmDialog } from '@/components/ui/confirm-dialog'
import { notice } from '@/components/ui/notice'
import { type Token, type TokenUsage, tokens } from '@/lib/contract/tokens'
import { type ModelUse, modelsUsed, type Shrinking, shrinkingOf } from './models-used'
import { isLive } from './token-status'
import { useTokenCommand } from './use-token-command'

type ModelsPanelProps = { token: Token; usage: TokenUsage; canWrite: boolean }

/** The models that the key was really used for against those it may use, and the way to make one the other. */
export function ModelsPanel({ token, usage, canWrite }: ModelsPanelProps) {
  const [isAsking, setIsAsking] = useState(false)
  const uses = modelsUsed(token, usage)
  const shrinking = canWrite && isLive(token) ? shrinkingOf(token, usage) : null
  return (
    <div className="flex flex-col gap-2">
      <div className="flex flex-wrap items-center justify-between gap-2">
        <h4 className="font-medium text-sm">Models used against models allowed, last 30 days</h4>
        {shrinking && (
          <Button size="sm" onClick={() => setIsAsking(true)}>
            <Scissors /> Shrink to what it uses
          </Button>
        )}
      </div>
      {token.allowed_models === null && <p className="text-fg-muted text-xs">This key may use any model.</p>}
      <ul className="flex flex-col gap-1 text-sm">
        {uses.map((use) => (
          <li key={use.name} className="flex flex-wrap items-baseline gap-x-2">
            <code className="min-w-0 break-words font-mono text-xs">{use.name}</code>
            {!use.isAllowed && <Badge tone="attention">Not allowed</Badge>}
            <span className="ml-auto text-fg-muted text-xs tabular-nums">{callsText(use)}</span>
          </li>
        ))}
      </ul>
      {usage.models.has_more && (
        <p className="text-fg-muted text-xs">It asked for more models than are counted here.</p>
      )}
      {shrinking && <ShrinkDialog token={token} shrinking={shrinking} open={isAsking} onOpenChange={setIsAsking} />}
    </div>
  )
}

function callsText({ served, blocked }: ModelUse): string {
  if (served === 0 && blocked === 0) return 'not used'
  const calls = `${served.toLocaleString('en')} ${served === 1 ? 'call' : 'calls'}`
  return blocked > 0 ? `${calls}, ${blocked.toLocaleString('en')} blocked` : calls
}

type ShrinkDialogProps = {
  token: Token
  shrinking: Shrinking
  open: boolean
  onOpenChange: (open: boolean) => void
}

function ShrinkDialog({ token, shrinking: { keeps, drops, wasAny }, open, onOpenChange }: ShrinkDialogProps) {
  const update = useTokenCommand(tokens.update)
  return (
    <ConfirmDialog
      open={open}
      onOpenChange={onOpenChange}
      title={`Shrink ${token.name} to what it uses?`}
      confirmLabel={keeps.length === 1 ? 'Allow 1 model' : `Allow ${keeps.length} models`}
      tone="primary"
      isPending={update.isPending}
      error={update.error}
      onConfirm={() =>
        update.mutate(
          { id: token.id, allowed_models: keeps },
          {
            onSuccess: () => {
              notice.success(`${token.name} may use ${keeps.length === 1 ? '1 model' : `${keeps.length} models`} now.`)
              onOpenChange(false)
            },
          },
        )
      }
    >
      <p>It keeps the models that answered a call in the last 30 days:</p>
      <NameList names={keeps} />
      {wasAny ? (
        <p>Every other model, which it may use now, is refused with 403 from its next call on.</p>
      ) : (
        <>
          <p>It loses {drops.length === 1 ? 'one' : drops.length} that did not, and gets 403 for:</p>
          <NameList names={drops} />
        </>
      )}
      <p className="text-fg-muted">What is needed less often than monthly is not seen here. You can add it again.</p>
    </ConfirmDialog>
  )
}

const NameList = ({ names }: { names: readonly string[] }) => (
  <ul className="flex max-h-40 flex-wrap gap-1 overflow-y-auto">
    {names.map((name) => (
      <li key={name}>
        <Badge tone="outline" className="font-mono font-normal">
          {name}
        </Badge>
      </li>
    ))}
  </ul>
)
