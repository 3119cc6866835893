'use client'

import { Button } from '@/components/ui/button'
import { Dialog, DialogClose, DialogContent } from '@/components/ui/dialog'
import { notice } from '@/components/ui/notice'
import { useOpenRow } from '@/components/ui/use-open-row'
import { budgets } from '@/lib/contract/budgets'
import { newDraft } from './budget-draft'
import { BudgetForm } from './budget-form'
import { useBudgetCommand } from './use-budget-command'

const FORM_ID = 'create-budget'

export function CreateBudgetDialog({ open, onClose }: { open: boolean; onClose: () => void }) {
  const create = useBudgetCommand(budgets.create)
  const [, setOpenId] = useOpenRow()
  return (
    <Dialog open={open} onOpenChange={(next) => !next && onClose()}>
      <DialogContent
        className="max-w-2xl"
        title="New budget"
        description="It begins with what its window has cost so far. Gateways hear of it at once."
        footer={
          <>
            <DialogClose asChild>
              <Button>Cancel</Button>
            </DialogClose>
            <Button type="submit" form={FORM_ID} variant="primary" disabled={create.isPending}>
              {create.isPending ? 'Creating…' : 'Create budget'}
            </Button>
          </>
        }
      >
        <BudgetForm
          id={FORM_ID}
          draft={newDraft()}
          onSubmit={async (definition) => {
            const { id, name } = await create.mutateAsync(definition)
            notice.success(`${name} holds from now on.`)
            onClose()
            void setOpenId(id)
          }}
        />
      </DialogContent>
    </Dialog>
  )
}
