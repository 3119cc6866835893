'use client'

import { useQuery } from '@tanstack/react-query'
import { Check, LoaderCircle, TriangleAlert } from 'lucide-react'
import { useRef } from 'react'
import { NameText } from '@/components/ui/name-text'
import { tokenQueries } from './token-queries'

const POLL_MS = 500
const GIVE_UP_MS = 15_000

/** Which gateways have confirmed the last change of a key, asked twice a second until all have or 15 s are over. */
export function PropagationList({ id }: { id: string }) {
  const startedAt = useRef(Date.now())
  const { data } = useQuery({
    ...tokenQueries.propagation(id, startedAt.current),
    refetchInterval: ({ state }) => {
      const isDone = state.data?.items.every(({ acknowledged }) => acknowledged) ?? false
      return isDone || Date.now() - startedAt.current > GIVE_UP_MS ? false : POLL_MS
    },
  })
  if (!data) return <p className="text-fg-muted text-sm">Asking the gateways…</p>
  if (data.items.length === 0) {
    return (
      <p className="text-fg-muted text-sm">No gateway is registered. The control plane refuses the key from now on.</p>
    )
  }
  const confirmed = data.items.filter(({ acknowledged }) => acknowledged).length
  const hasGivenUp = Date.now() - startedAt.current > GIVE_UP_MS
  return (
    <div className="flex flex-col gap-2">
      <p role="status" className="font-medium text-sm">
        {confirmed} of {data.items.length} gateways have confirmed
      </p>
      <ul className="flex flex-col divide-y rounded-md border">
        {data.items.map(({ gateway_id, name, status, acknowledged }) => (
          <li key={gateway_id} className="flex items-center gap-2 px-3 py-2 text-sm">
            {acknowledged ? (
              <Check aria-hidden className="size-4 text-ok" />
            ) : hasGivenUp ? (
              <TriangleAlert aria-hidden className="size-4 text-attention" />
            ) : (
              <LoaderCircle aria-hidden className="size-4 animate-spin text-fg-muted" />
            )}
            <NameText name={name} className="min-w-0 flex-1" />
            <span className="text-fg-muted text-xs">
              {acknowledged
                ? 'Confirmed'
                : status === 'offline' || status === 'pending'
                  ? `Not connected (${status})`
                  : 'Waiting'}
            </span>
          </li>
        ))}
      </ul>
      {confirmed < data.items.length && hasGivenUp && (
        <p className="text-fg-muted text-xs">
          A gateway that is not connected learns of it when it reconnects; until then it goes by the keys it has.
        </p>
      )}
    </div>
  )
}
