'use client'

import { useState } from 'react'
import { Button } from '@/components/ui/button'
import { Dialog, DialogClose, DialogContent } from '@/components/ui/dialog'
import type { Token } from '@/lib/contract/tokens'
import { CREATE_FORM_ID, CreateTokenForm } from './create-token-form'
import { SecretDialog, type ShownSecret } from './secret-dialog'
import { TYPE_WORDS } from './token-words'

type CreateTokenDialogProps = { type: Token['token_type']; open: boolean; onClose: () => void }

/** The form, and then the secret: shown once, in a dialog of its own. */
export function CreateTokenDialog({ type, open, onClose }: CreateTokenDialogProps) {
  const [created, setCreated] = useState<ShownSecret | null>(null)
  const [isPending, setIsPending] = useState(false)
  return (
    <>
      <Dialog open={open && created === null} onOpenChange={(next) => !next && onClose()}>
        <DialogContent
          title={`Create ${TYPE_WORDS[type].one}`}
          className="max-w-xl"
          footer={
            <>
              <DialogClose asChild>
                <Button>Cancel</Button>
              </DialogClose>
              <Button type="submit" form={CREATE_FORM_ID} variant="primary" disabled={isPending}>
                {isPending ? 'Creating…' : 'Create key'}
              </Button>
            </>
          }
        >
          <CreateTokenForm
            type={type}
            onPending={setIsPending}
            onCreated={(secret) => {
              setCreated(secret)
              onClose()
            }}
          />
        </DialogContent>
      </Dialog>
      {created && <SecretDialog secret={created} onClose={() => setCreated(null)} />}
    </>
  )
}
