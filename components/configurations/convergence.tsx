'use client'

import { useQuery } from '@tanstack/react-query'
import { gatewayQueries } from '@/components/gateways/gateway-queries'
import { StatusBadge } from '@/components/ui/status-badge'
import type { Gateway } from '@/lib/contract/gateways'

type ConvergenceProps = { items: { gateway_id: string; generation: number }[]; version: string }

const REFRESH_MS = 1_000

/** Each gateway of a rollout, live, until it runs the version or says why it does not. */
export function Convergence({ items, version }: ConvergenceProps) {
  return (
    <ul aria-live="polite" className="flex flex-col divide-y rounded-md border">
      {items.map(({ gateway_id, generation }) => (
        <ConvergingGateway key={gateway_id} id={gateway_id} generation={generation} version={version} />
      ))}
    </ul>
  )
}

function ConvergingGateway({ id, generation, version }: { id: string; generation: number; version: string }) {
  const { data } = useQuery({
    ...gatewayQueries.get(id),
    // Also after a refusal: a gateway that cannot apply it now may be mended while somebody looks.
    refetchInterval: ({ state }) => (state.data && state.data.running_generation >= generation ? false : REFRESH_MS),
  })
  return (
    <li className="flex flex-wrap items-center gap-x-3 gap-y-1 px-3 py-2 text-sm">
      <span className="font-mono text-xs">{id}</span>
      <Progress gateway={data} generation={generation} version={version} />
    </li>
  )
}

function Progress({
  gateway,
  generation,
  version,
}: {
  gateway: Gateway | undefined
  generation: number
  version: string
}) {
  if (gateway && gateway.running_generation >= generation) return <StatusBadge tone="ok">Runs {version}</StatusBadge>
  const error = gateway?.last_error
  // What a gateway said about an older version is no answer to this one, and stays in its report until it has another.
  if (error?.generation !== undefined && error.generation >= generation) {
    return (
      <>
        <StatusBadge tone="bad">Not applied</StatusBadge>
        <span className="w-full break-words text-danger-text text-xs">
          {error.message} <code className="font-mono">{error.code}</code>
          <span className="block text-fg-muted">
            It goes on with {gateway?.running_version ? `version ${gateway.running_version}` : 'what it had'}.
          </span>
        </span>
      </>
    )
  }
  const isAway = gateway && ['offline', 'pending'].includes(gateway.status)
  return (
    <>
      {isAway ? (
        <StatusBadge tone="neutral">Not connected; applies it when it is</StatusBadge>
      ) : (
        <StatusBadge tone="info">Waiting…</StatusBadge>
      )}
      {error && error.generation === undefined && (
        <span className="w-full break-words text-fg-muted text-xs">It reports: {error.message}</span>
      )}
    </>
  )
}
