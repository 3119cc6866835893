'use client'

import { useState } from 'react'
import type { Token } from '@/lib/contract/tokens'
import { CreateTokenForm } from './create-token-form'
import { SecretDialog, type ShownSecret } from './secret-dialog'

type CreateTokenDialogProps = { type: Token['token_type']; open: boolean; onClose: () => void }

/** The form, and then the secret: shown once, in a dialog of its own. */
export function CreateTokenDialog({ type, open, onClose }: CreateTokenDialogProps) {
  const [created, setCreated] = useState<ShownSecret | null>(null)
  return (
    <>
      {open && created === null && (
        <CreateTokenForm
          type={type}
          onClose={onClose}
          onCreated={(secret) => {
            setCreated(secret)
            onClose()
          }}
        />
      )}
      {created && <SecretDialog secret={created} onClose={() => setCreated(null)} />}
    </>
  )
}
