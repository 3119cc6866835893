'use client'

import { FormDialog } from '@/components/ui/form-dialog'
import { notice } from '@/components/ui/notice'
import { useOpenRow } from '@/components/ui/use-open-row'
import { budgets } from '@/lib/contract/budgets'
import { newDraft } from './budget-draft'
import { BudgetFields, useBudgetForm } from './budget-form'
import { useBudgetCommand } from './use-budget-command'

/** While it is open: closed and opened again, it begins anew. */
export function CreateBudgetDialog({ open, onClose }: { open: boolean; onClose: () => void }) {
  return open ? <CreateBudget onClose={onClose} /> : null
}

function CreateBudget({ onClose }: { onClose: () => void }) {
  const create = useBudgetCommand(budgets.create)
  const [, setOpenId] = useOpenRow()
  const { form, problem, submit } = useBudgetForm(newDraft(), async (definition) => {
    const { id, name } = await create.mutateAsync(definition)
    notice.success(`${name} holds from now on.`)
    onClose()
    void setOpenId(id)
  })
  return (
    <FormDialog
      className="max-w-2xl"
      formClassName="gap-5"
      title="Create budget"
      description="It begins with what its window has cost so far. Gateways hear of it at once."
      verb="Create budget"
      doing="Creating…"
      problem={problem}
      isPending={create.isPending}
      onSubmit={submit}
      onClose={onClose}
    >
      <BudgetFields form={form} />
    </FormDialog>
  )
}
