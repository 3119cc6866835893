'use client'

import { useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { useTeamName } from '@/components/teams/use-team-name'
import { Button } from '@/components/ui/button'
import { Callout } from '@/components/ui/callout'
import { CheckedForm } from '@/components/ui/checked-form'
import { Dialog, DialogContent } from '@/components/ui/dialog'
import { moneyText } from '@/components/ui/money'
import { notice } from '@/components/ui/notice'
import { ScrollRegion } from '@/components/ui/scroll-region'
import { type Budget, budgets } from '@/lib/contract/budgets'
import { AppError } from '@/lib/errors'
import { nanoUsdOf } from '@/lib/money'
import { type BudgetDraft, type definitionOf, draftOf } from './budget-draft'
import { BudgetFields, useBudgetForm } from './budget-form'
import { budgetQueries } from './budget-queries'
import { ON_UNAVAILABLE_WORDS, ROLLOVER_WORDS, scopeText, WINDOW_WORDS } from './budget-words'
import { useBudgetCommand } from './use-budget-command'

const FORM_ID = 'edit-budget'

type Definition = ReturnType<typeof definitionOf>

/** Somebody else was faster: what they made of it, and what was wanted here. */
type Collision = { theirs: Budget; mine: Definition }

export function EditBudgetDialog({ budget, onClose }: { budget: Budget; onClose: () => void }) {
  // The one that was looked at when the dialog opened: what changes behind it is a collision, not another draft.
  const [base, setBase] = useState(budget)
  const [collision, setCollision] = useState<Collision | null>(null)
  const queryClient = useQueryClient()
  const update = useBudgetCommand(budgets.update)

  const save = async (mine: Definition, version: number) => {
    try {
      await update.mutateAsync({ id: base.id, version, ...mine })
    } catch (thrown) {
      if (!(thrown instanceof AppError) || (thrown.code !== 'conflict' && thrown.code !== 'precondition_failed')) {
        throw thrown
      }
      const theirs = await queryClient.fetchQuery({ ...budgetQueries.get(base.id), staleTime: 0 })
      if (theirs.version === version) throw thrown
      return setCollision({ theirs, mine })
    }
    notice.success('The budget was changed.')
    onClose()
  }

  return (
    <Dialog open onOpenChange={(next) => !next && onClose()}>
      <DialogContent
        className="max-w-2xl"
        title={collision ? `Somebody else changed ${base.name}` : `Change ${base.name}`}
        footer={
          collision ? (
            <CollisionButtons
              isPending={update.isPending}
              onTheirs={() => {
                setBase(collision.theirs)
                setCollision(null)
              }}
              onMine={() =>
                void save(collision.mine, collision.theirs.version).catch((thrown: Error) =>
                  notice.error(thrown.message),
                )
              }
            />
          ) : (
            <>
              <Button onClick={onClose}>Cancel</Button>
              <Button type="submit" form={FORM_ID} variant="primary" disabled={update.isPending}>
                {update.isPending ? 'Saving…' : 'Save changes'}
              </Button>
            </>
          )
        }
      >
        {collision ? (
          <Both {...collision} />
        ) : (
          <Fields
            key={base.version}
            budget={base}
            isPending={update.isPending}
            onSubmit={(definition) => save(definition, base.version)}
          />
        )}
      </DialogContent>
    </Dialog>
  )
}

type FieldsProps = { budget: Budget; isPending: boolean; onSubmit: (mine: Definition) => Promise<unknown> }

function Fields({ budget, isPending, onSubmit }: FieldsProps) {
  const { form, problem, submit } = useBudgetForm(draftOf(budget), onSubmit)
  return (
    <CheckedForm id={FORM_ID} className="gap-5" problem={problem} isPending={isPending} onSubmit={submit}>
      <BudgetFields form={form} notes={(draft) => <Consequences budget={budget} draft={draft} />} />
    </CheckedForm>
  )
}

/** What the change does that its fields do not say. */
function Consequences({ budget, draft }: { budget: Budget; draft: BudgetDraft }) {
  const before = draftOf(budget)
  const beginsAnew =
    JSON.stringify(draft.scope) !== JSON.stringify(before.scope) ||
    draft.window !== before.window ||
    draft.time_zone !== before.time_zone ||
    draft.anchor !== before.anchor
  const isBelow = draft.hard && isLess(draft.limit_usd, budget.current.committed_usd)
  if (!beginsAnew && !isBelow) return null
  return (
    <Callout tone="warn" role="status">
      {beginsAnew && (
        <p>
          Another scope, window, time zone or anchor begins a new window at once, with what the record says that it has
          cost so far.
        </p>
      )}
      {isBelow && (
        <p>
          {moneyText(budget.current.committed_usd)} is committed in this window already: whatever comes next is refused
          until it resets. Nothing that was let through is taken back.
        </p>
      )}
    </Callout>
  )
}

function isLess(typed: string, usd: string): boolean {
  const text = typed.replace(/[\s,$]/g, '')
  return /^\d{1,10}(\.\d{1,9})?$/.test(text) && nanoUsdOf(text) < nanoUsdOf(usd)
}

function CollisionButtons(props: { isPending: boolean; onTheirs: () => void; onMine: () => void }) {
  return (
    <>
      <Button onClick={props.onTheirs}>Go on from theirs</Button>
      <Button variant="danger" disabled={props.isPending} onClick={props.onMine}>
        {props.isPending ? 'Saving…' : 'Save mine over it'}
      </Button>
    </>
  )
}

/** Field by field, where the two differ. */
function Both({ theirs, mine }: Collision) {
  const teamName = useTeamName()
  const words = (it: Definition | Budget): [string, string][] => [
    ['Name', it.name],
    ['Which requests count', scopeText(it.scope, teamName)],
    ['Limit', moneyText(it.limit_usd)],
    ['Beyond the limit', it.hard ? 'Requests are refused' : 'It is watched only'],
    ['Begins anew every', WINDOW_WORDS[it.window]],
    ['Time zone', it.time_zone],
    ['Begins on', it.anchor ?? '–'],
    ['What is left of a window', ROLLOVER_WORDS[it.rollover]],
    ['At most', it.rollover_cap_usd === null ? '–' : moneyText(it.rollover_cap_usd)],
    ['Thresholds', it.thresholds.map((percent) => `${percent} %`).join(', ') || '–'],
    ['Without the control plane', ON_UNAVAILABLE_WORDS[it.on_unavailable]],
  ]
  const yours = words(mine)
  const rows = words(theirs)
    .map(([field, value], at) => ({ field, theirs: value, mine: yours[at]?.[1] ?? '' }))
    .filter((row) => row.theirs !== row.mine)
  return (
    <div className="flex flex-col gap-3 text-sm">
      <p>
        It is version {theirs.version} now. Nothing of yours was saved.{' '}
        {rows.length === 0 ? 'Both of you wanted the same.' : 'You differ in:'}
      </p>
      {rows.length > 0 && (
        <ScrollRegion aria-label="Where the two differ">
          <table className="w-full border-separate border-spacing-0">
            <thead>
              <tr className="text-left text-fg-muted text-xs">
                {['Field', 'Theirs, as it is now', 'Yours'].map((head) => (
                  <th key={head} scope="col" className="border-b bg-sunken px-3 py-1.5 font-medium">
                    {head}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {rows.map((row) => (
                <tr key={row.field}>
                  <th scope="row" className="border-b px-3 py-1.5 text-left font-normal text-fg-muted">
                    {row.field}
                  </th>
                  <td className="border-b px-3 py-1.5">{row.theirs}</td>
                  <td className="border-b px-3 py-1.5 font-medium">{row.mine}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </ScrollRegion>
      )}
    </div>
  )
}
