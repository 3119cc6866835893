import Link from 'next/link'
import { GatewayStatus } from '@/components/gateways/gateway-status'
import type { Configuration } from '@/lib/contract/configurations'

/** Where a configuration runs, in a few words: `0.3.0 on 2 gateways`, most used version first. */
export function RunningOn({ gateways }: Pick<Configuration, 'gateways'>) {
  if (gateways.length === 0) return <span className="text-fg-muted">No gateway</span>
  const counts = Map.groupBy(gateways, ({ running_version }) => running_version)
  return [...counts]
    .toSorted(([, a], [, b]) => b.length - a.length)
    .map(
      ([version, group]) =>
        `${version ?? 'nothing yet'} on ${group.length === 1 ? group[0]?.gateway_id : `${group.length} gateways`}`,
    )
    .join(', ')
}

/** Each gateway of a configuration with what it should and does run. */
export function GatewayList({ gateways }: Pick<Configuration, 'gateways'>) {
  return (
    <ul className="flex flex-col divide-y rounded-md border bg-surface">
      {gateways.map(({ gateway_id, status, running_version, desired_version }) => (
        <li key={gateway_id} className="flex flex-wrap items-center gap-x-3 gap-y-1 px-3 py-2 text-sm">
          <Link href={`/gateways?open=${encodeURIComponent(gateway_id)}`} className="font-mono text-xs hover:underline">
            {gateway_id}
          </Link>
          <GatewayStatus status={status} />
          <span className="ml-auto text-fg-muted text-xs">
            runs <span className="font-mono text-fg">{running_version ?? 'nothing'}</span>
            {desired_version !== running_version && (
              <>
                , should run <span className="font-mono text-fg">{desired_version ?? 'nothing'}</span>
              </>
            )}
          </span>
        </li>
      ))}
    </ul>
  )
}
