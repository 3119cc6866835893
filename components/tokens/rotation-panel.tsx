'use client'

import { RefreshCw } from 'lucide-react'
import { useState } from 'react'
import { Button } from '@/components/ui/button'
import { Choice } from '@/components/ui/choice'
import { ConfirmDialog } from '@/components/ui/confirm-dialog'
import { Details } from '@/components/ui/details'
import { notice } from '@/components/ui/notice'
import { RelativeTime } from '@/components/ui/relative-time'
import { type Token, tokens } from '@/lib/contract/tokens'
import { SecretDialog, type ShownSecret } from './secret-dialog'
import { secretHint } from './token-words'
import { useTokenCommand } from './use-token-command'

const GRACES = [
  { value: '3600', label: '1 hour' },
  { value: '86400', label: '24 hours' },
  { value: '259200', label: '3 days' },
  { value: '604800', label: '7 days' },
] as const

/** A new secret beside the old one, and who still uses the old one, so that a person can finish early or extend. */
export function RotationPanel({ token, canWrite }: { token: Token; canWrite: boolean }) {
  const [isStarting, setIsStarting] = useState(false)
  const [secret, setSecret] = useState<ShownSecret | null>(null)
  return (
    <section aria-labelledby="rotation-title" className="flex flex-col gap-3 rounded-md border p-4">
      <div className="flex items-center justify-between gap-2">
        <h3 id="rotation-title" className="font-medium text-sm">
          Rotation
        </h3>
        {canWrite && !token.previous_secret && (
          <Button size="sm" onClick={() => setIsStarting(true)}>
            <RefreshCw /> Rotate secret
          </Button>
        )}
      </div>
      {token.previous_secret ? (
        <OldSecret token={token} old={token.previous_secret} canWrite={canWrite} />
      ) : (
        <p className="text-fg-muted text-sm">
          One secret is live. Rotating makes a second one; id, name and settings stay, and both work until the old one
          ends.
        </p>
      )}
      <StartRotation
        token={token}
        open={isStarting}
        onOpenChange={setIsStarting}
        onRotated={(key, rotated) => setSecret({ key, token: rotated, models: [] })}
      />
      {secret && <SecretDialog secret={secret} onClose={() => setSecret(null)} />}
    </section>
  )
}

type OldSecretProps = { token: Token; old: NonNullable<Token['previous_secret']>; canWrite: boolean }

function OldSecret({ token, old, canWrite }: OldSecretProps) {
  const [isFinishing, setIsFinishing] = useState(false)
  const finish = useTokenCommand(tokens.finishRotation)
  const extend = useTokenCommand(tokens.extendRotation)
  const sources = old.source_ips.length
  return (
    <>
      <Details
        items={[
          [
            'Old secret',
            <span key="old" className="font-mono text-xs">
              {secretHint(old)}
            </span>,
          ],
          ['Ends', <RelativeTime key="ends" at={old.expires_at} />],
          ['Last used', <RelativeTime key="used" at={old.last_used_at} />],
          ['Used', `${timesWords(old.use_count)} since the rotation`],
          [
            'From',
            sources === 0 ? (
              <span key="none" className="text-fg-muted">
                Nowhere
              </span>
            ) : (
              <span key="ips" className="font-mono text-xs">
                {old.source_ips.join(', ')}
              </span>
            ),
          ],
        ]}
      />
      {canWrite && (
        <div className="flex flex-wrap items-center gap-2">
          <Button size="sm" variant="danger-outline" onClick={() => setIsFinishing(true)}>
            Finish now
          </Button>
          <Button
            size="sm"
            disabled={extend.isPending}
            onClick={() =>
              extend.mutate(
                { id: token.id, grace_seconds: 86_400 },
                {
                  onSuccess: () => notice.success('The old secret works for 24 more hours.'),
                  onError: (error) => notice.error('The rotation was not extended.', { description: error.message }),
                },
              )
            }
          >
            Extend to 24 hours from now
          </Button>
        </div>
      )}
      <ConfirmDialog
        open={isFinishing}
        onOpenChange={setIsFinishing}
        title="End the old secret now?"
        confirmLabel="End old secret"
        isPending={finish.isPending}
        error={finish.error}
        onConfirm={() => finish.mutate({ id: token.id }, { onSuccess: () => setIsFinishing(false) })}
      >
        <p>
          {old.last_used_at === null
            ? 'Nobody has used it since the rotation. '
            : `It was used ${timesWords(old.use_count)} since the rotation, from ${sources} ${sources === 1 ? 'address' : 'addresses'}. `}
          Whoever still uses it gets 401. The new secret is not affected.
        </p>
      </ConfirmDialog>
    </>
  )
}

type StartRotationProps = {
  token: Token
  open: boolean
  onOpenChange: (open: boolean) => void
  onRotated: (key: string, token: Token) => void
}

function StartRotation({ token, open, onOpenChange, onRotated }: StartRotationProps) {
  const [grace, setGrace] = useState('86400')
  const rotate = useTokenCommand(tokens.rotate)
  return (
    <ConfirmDialog
      open={open}
      onOpenChange={onOpenChange}
      title={`Rotate ${token.name}`}
      confirmLabel="Rotate secret"
      tone="primary"
      isPending={rotate.isPending}
      error={rotate.error}
      onConfirm={() =>
        rotate.mutate(
          { id: token.id, grace_seconds: Number(grace) },
          {
            onSuccess: ({ key, token: rotated }) => {
              onOpenChange(false)
              onRotated(key, rotated)
            },
          },
        )
      }
    >
      <p>The key gets a new secret. The old one works on for:</p>
      <Choice label="How long the old secret works on" value={grace} onChange={setGrace} options={GRACES} />
      <p className="text-fg-muted">You can end it earlier or extend it, and see who still uses it.</p>
    </ConfirmDialog>
  )
}

const timesWords = (count: number) => (count === 1 ? 'once' : `${count.toLocaleString('en')} times`)
