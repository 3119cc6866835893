'use client'

import { useMutation, useQueryClient } from '@tanstack/react-query'
import { Scale } from 'lucide-react'
import { useState } from 'react'
import { useCan } from '@/components/shell/whoami-context'
import { Button } from '@/components/ui/button'
import { Callout } from '@/components/ui/callout'
import { cn } from '@/components/ui/cn'
import { ConfirmDialog } from '@/components/ui/confirm-dialog'
import { Difference } from '@/components/ui/difference'
import { describedBy, Field } from '@/components/ui/field'
import { Input } from '@/components/ui/input'
import { decimalsOf, differenceOfMoney, moneyText, signedMoneyText } from '@/components/ui/money'
import { notice } from '@/components/ui/notice'
import { ScrollRegion } from '@/components/ui/scroll-region'
import { StatusBadge, type StatusTone } from '@/components/ui/status-badge'
import { useAttemptKey } from '@/components/ui/use-attempt-key'
import { modelPricing, type REPRICING_STATES, type RepricedModel, type Repricing } from '@/lib/contract/model-pricing'
import { api } from '../api'
import { priceQueries } from './price-queries'
import { MOMENT } from './price-words'

const STATE_LOOK: Record<(typeof REPRICING_STATES)[number], { label: string; tone: StatusTone }> = {
  queued: { label: 'Waiting', tone: 'neutral' },
  running: { label: 'Running', tone: 'info' },
  done: { label: 'Done', tone: 'ok' },
  failed: { label: 'Failed', tone: 'bad' },
}

/** Which calls, by when they began, in the viewer's zone. */
const spanText = ({ since, until }: Pick<Repricing, 'since' | 'until'>): string =>
  MOMENT.formatRange(Date.parse(since), Date.parse(until))

export function RepricingStateBadge({ repricing: { state, events_done, events_total } }: { repricing: Repricing }) {
  const share = state === 'running' && events_total ? ` ${Math.floor((events_done / events_total) * 100)} %` : ''
  return (
    <StatusBadge tone={STATE_LOOK[state].tone}>
      {STATE_LOOK[state].label}
      {share}
    </StatusBadge>
  )
}

type RepricingResultProps = { repricing: Repricing; onShow: (id: string) => void }

/** What came of it, model by model; while it is reckoned, how far it is. */
export function RepricingResult({ repricing, onShow }: RepricingResultProps) {
  const { state, dry_run, error, changed, before_usd, after_usd, models } = repricing
  const mayAdjust = useCan('org:billing')
  const [isAdjusting, setIsAdjusting] = useState(false)
  const difference = differenceOfMoney(after_usd, before_usd)
  return (
    <section aria-label="What came of it" className="flex flex-col gap-3 rounded-md border bg-surface p-4">
      <div className="flex flex-wrap items-center gap-x-3 gap-y-1">
        <h2 className="font-medium text-sm">
          {dry_run ? 'Would have cost' : 'Adjusted'}, {spanText(repricing)}
        </h2>
        <RepricingStateBadge repricing={repricing} />
      </div>
      {error && (
        <Callout tone="danger" role="alert">
          {error}
        </Callout>
      )}
      {(state === 'queued' || state === 'running') && <Progress repricing={repricing} />}
      {state === 'done' && (
        <p className="text-sm">
          {moneyText(before_usd)} {dry_run ? 'was charged; it would be' : 'was charged before; it is'}{' '}
          <span className="font-medium">{moneyText(after_usd)}</span>
          {changed === 0
            ? ': no call costs anything else.'
            : `: ${signedMoneyText(difference)} over ${changed === 1 ? 'one call' : `${changed.toLocaleString('en')} calls`} whose cost is another one.`}
        </p>
      )}
      {models.length > 0 && <Models repricing={repricing} />}
      {state === 'done' && dry_run && mayAdjust && changed > 0 && (
        <Button className="self-start" onClick={() => setIsAdjusting(true)}>
          <Scale /> Adjust the ledger…
        </Button>
      )}
      {isAdjusting && <AdjustDialog repricing={repricing} onClose={() => setIsAdjusting(false)} onStarted={onShow} />}
    </section>
  )
}

function Progress({ repricing: { events_done, events_total } }: { repricing: Repricing }) {
  return (
    <div className="flex flex-col gap-1.5">
      <progress
        aria-label="Calls calculated again"
        className="h-2 w-full overflow-hidden rounded-md accent-accent"
        value={events_total ? events_done / events_total : undefined}
        max={1}
      />
      <p className="text-fg-muted text-xs tabular-nums">
        {events_done.toLocaleString('en')}
        {events_total === null ? ' calls so far' : ` of ${events_total.toLocaleString('en')} calls`}. You can leave this
        page.
      </p>
    </div>
  )
}

const HEADS = ['Model', 'Calls', 'Cost', 'Would cost', 'Difference', 'Unknown before', 'Unknown after']

function Models({ repricing: { models } }: { repricing: Repricing }) {
  const decimals = decimalsOf(models.flatMap(({ before_usd, after_usd }) => [before_usd, after_usd]))
  return (
    <ScrollRegion aria-label="By model" className="max-h-80">
      <table className="w-full border-separate border-spacing-0 text-sm tabular-nums">
        <caption className="sr-only">By model, the dearest first</caption>
        <thead className="sticky top-0">
          <tr>
            {HEADS.map((head, at) => (
              <th
                key={head}
                scope="col"
                className={cn(
                  'whitespace-nowrap border-b bg-sunken px-3 py-1 font-medium text-fg-muted text-xs',
                  at === 0 ? 'text-left' : 'text-right',
                  head !== 'Model' && head !== 'Difference' && 'max-sm:hidden',
                )}
              >
                {head}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {models.map((row) => (
            <tr key={`${row.provider} ${row.model}`}>
              <th scope="row" className="wrap-anywhere border-b px-3 py-1 text-left font-normal">
                {row.model} <span className="text-fg-muted">· {row.provider}</span>
                <span className="block text-fg-muted text-xs sm:hidden">{callsText(row)}</span>
              </th>
              <td className="border-b px-3 py-1 text-right max-sm:hidden">{row.requests.toLocaleString('en')}</td>
              <td className="border-b px-3 py-1 text-right max-sm:hidden">{moneyText(row.before_usd, decimals)}</td>
              <td className="border-b px-3 py-1 text-right max-sm:hidden">{moneyText(row.after_usd, decimals)}</td>
              <td className="border-b px-3 py-1 text-right">
                <Difference usd={differenceOfMoney(row.after_usd, row.before_usd)} decimals={decimals} />
                <span className="block text-fg-muted text-xs sm:hidden">
                  {moneyText(row.before_usd, decimals)} → {moneyText(row.after_usd, decimals)}
                </span>
              </td>
              <td className="border-b px-3 py-1 text-right max-sm:hidden">
                {row.unpriced_before.toLocaleString('en')}
              </td>
              <td className="border-b px-3 py-1 text-right max-sm:hidden">{row.unpriced_after.toLocaleString('en')}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </ScrollRegion>
  )
}

/** What stands in columns of its own where there is room for them. */
function callsText({ requests, unpriced_before, unpriced_after }: RepricedModel): string {
  const calls = requests === 1 ? 'one call' : `${requests.toLocaleString('en')} calls`
  return unpriced_before + unpriced_after === 0
    ? calls
    : `${calls}, unknown ${unpriced_before.toLocaleString('en')} before and ${unpriced_after.toLocaleString('en')} after`
}

type AdjustDialogProps = { repricing: Repricing; onClose: () => void; onStarted: (id: string) => void }

/** Events keep what they were recorded with; the ledger, usage and budgets get the differences. */
function AdjustDialog({ repricing, onClose, onStarted }: AdjustDialogProps) {
  const queryClient = useQueryClient()
  const [note, setNote] = useState('')
  const idempotencyKey = useAttemptKey(note)
  const { since, until, changed, before_usd, after_usd } = repricing
  const adjust = useMutation({
    mutationFn: () =>
      api(modelPricing.reprice, { since, until, dry_run: false, note: note.trim() || undefined }, { idempotencyKey }),
    onSuccess: ({ id }) => {
      notice.success('The ledger is being adjusted.')
      onClose()
      onStarted(id)
    },
    onSettled: () => queryClient.invalidateQueries({ queryKey: priceQueries.all }),
  })
  return (
    <ConfirmDialog
      open
      onOpenChange={(next) => !next && onClose()}
      title={`Adjust ${changed === 1 ? 'one call' : `${changed.toLocaleString('en')} calls`} by ${signedMoneyText(differenceOfMoney(after_usd, before_usd))}?`}
      confirmLabel="Adjust the ledger"
      isPending={adjust.isPending}
      error={adjust.error}
      onConfirm={() => adjust.mutate()}
    >
      <p>
        They are calculated again at the prices in force then. Events keep what they were recorded with; each difference
        is an entry of the ledger under the first month that is open, and counts in usage and budgets at the time of its
        call.
      </p>
      <p>Calls whose price a target of a configuration states are left as they are.</p>
      <Field id="adjust-note" label="Note" hint="Stands in the ledger. Can be left out.">
        <Input
          {...describedBy('adjust-note')}
          autoComplete="off"
          maxLength={80}
          placeholder="New contract from March"
          value={note}
          onChange={(event) => setNote(event.target.value)}
        />
      </Field>
    </ConfirmDialog>
  )
}
