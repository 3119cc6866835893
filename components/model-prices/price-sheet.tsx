'use client'

import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { ChartColumn, Pencil, Trash2 } from 'lucide-react'
import Link from 'next/link'
import { useState } from 'react'
import { useCan } from '@/components/shell/whoami-context'
import { Button } from '@/components/ui/button'
import { ConfirmDialog } from '@/components/ui/confirm-dialog'
import { Details } from '@/components/ui/details'
import { EmptyState } from '@/components/ui/empty-state'
import { ErrorState } from '@/components/ui/error-state'
import { notice } from '@/components/ui/notice'
import { RelativeTime } from '@/components/ui/relative-time'
import { Sheet } from '@/components/ui/sheet'
import { Skeleton } from '@/components/ui/skeleton'
import { StatusBadge } from '@/components/ui/status-badge'
import { type ModelPrice, modelPricing } from '@/lib/contract/model-pricing'
import { printFilter } from '@/lib/filter'
import { newId } from '@/lib/ids'
import { api } from '../api'
import { PriceList } from './price-list'
import { priceQueries } from './price-queries'
import { priceId, SOURCE_WORDS } from './price-words'
import { SetPriceDialog } from './set-price-dialog'

type PriceSheetProps = { id: string | null; price: ModelPrice | undefined; onClose: () => void }

/** One price. A link to it works where its page of the list was not loaded yet. */
export function PriceSheet({ id, price, onClose }: PriceSheetProps) {
  const found = useQuery({
    queryKey: [...priceQueries.all, 'one', id],
    queryFn: async ({ signal }) => {
      const [, provider = '', model = ''] = (id ?? '').split('|')
      const { items } = await api(modelPricing.list, { search: model, provider, limit: 200 }, { signal })
      return items.find((one) => priceId(one) === id) ?? null
    },
    enabled: id !== null && price === undefined,
  })
  const shown = price ?? found.data
  return (
    <Sheet
      open={id !== null}
      onClose={onClose}
      title={shown?.model ?? 'Price'}
      subtitle={
        shown && (
          <>
            <StatusBadge tone={SOURCE_WORDS[shown.source].tone}>{SOURCE_WORDS[shown.source].label}</StatusBadge>
            {shown.provider}
          </>
        )
      }
    >
      {shown ? (
        <PriceDetail key={id} price={shown} onGone={onClose} />
      ) : found.error ? (
        <ErrorState error={found.error} onRetry={() => void found.refetch()} />
      ) : found.data === null ? (
        <EmptyState title="There is no such price now">It was taken away, or another one goes before it.</EmptyState>
      ) : (
        <Skeleton className="h-48" />
      )}
    </Sheet>
  )
}

function PriceDetail({ price, onGone }: { price: ModelPrice; onGone: () => void }) {
  const mayWrite = useCan('org:billing')
  const maySpend = useCan('spend:read')
  const [dialog, setDialog] = useState<'set' | 'remove' | null>(null)
  const { provider, model, source, target } = price
  const filter = printFilter([
    { field: 'provider', operator: '=', values: [provider] },
    ...(model.endsWith('*')
      ? [{ field: 'model', operator: '~' as const, values: [model.slice(0, -1)] }]
      : [{ field: 'model', operator: '=' as const, values: [model] }]),
  ])
  return (
    <div className="flex flex-col gap-6">
      <div className="flex flex-wrap gap-2">
        {mayWrite && source !== 'target' && (
          <Button size="sm" variant="primary" onClick={() => setDialog('set')}>
            <Pencil /> {source === 'override' ? 'Change' : 'Set an own price'}
          </Button>
        )}
        {maySpend && (
          <Button asChild size="sm">
            <Link href={`/usage?${new URLSearchParams({ group: 'model', filter })}`}>
              <ChartColumn /> Its usage
            </Link>
          </Button>
        )}
        {mayWrite && source === 'override' && (
          <Button size="sm" variant="ghost" onClick={() => setDialog('remove')}>
            <Trash2 /> Take away…
          </Button>
        )}
      </div>
      <PriceList prices={price.prices} tiers={price.tiers} currency="USD" />
      <Details
        items={[
          ['Source', SOURCE_WORDS[source].means],
          ...(target
            ? ([
                ['Target', target.target_id],
                ['Configuration', `${target.configuration_name} ${target.configuration_version}`],
              ] as [string, string][])
            : []),
          ['In force since', <RelativeTime key="since" at={price.effective_from} none="The beginning" />],
          [
            'Version',
            <code key="version" className="break-all font-mono text-xs">
              {price.version}
            </code>,
          ],
        ]}
      />
      {source === 'target' && (
        <p className="text-fg-muted text-sm">It is changed in the configuration, under pricing of the target.</p>
      )}
      {dialog === 'set' && <SetPriceDialog of={price} onClose={() => setDialog(null)} />}
      {dialog === 'remove' && <RemoveDialog price={price} onClose={() => setDialog(null)} onGone={onGone} />}
    </div>
  )
}

function RemoveDialog({ price, onClose, onGone }: { price: ModelPrice; onClose: () => void; onGone: () => void }) {
  const queryClient = useQueryClient()
  const { provider, model, effective_from } = price
  const remove = useMutation({
    mutationFn: (from: string) =>
      api(
        modelPricing.createVersion,
        {
          note: `${model} has no own price any more`.slice(0, 80),
          remove: [{ provider, model, effective_from: from }],
        },
        { idempotencyKey: newId('req') },
      ),
    onSuccess: () => {
      notice.success('The own price was taken away.')
      onClose()
      onGone()
    },
    onSettled: () => queryClient.invalidateQueries({ queryKey: priceQueries.all }),
  })
  return (
    <ConfirmDialog
      open
      onOpenChange={(next) => !next && onClose()}
      title={`Take away the own price of ${model}?`}
      confirmLabel="Take it away"
      isPending={remove.isPending}
      error={remove.error}
      onConfirm={() => effective_from && remove.mutate(effective_from)}
    >
      <p>
        From now on its calls cost what an earlier own price says, or the public catalogue; where neither does, their
        price is unknown. Events keep the cost that they were recorded with.
      </p>
    </ConfirmDialog>
  )
}
