'use client'

import { useInfiniteQuery, useMutation, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { gatewayQueries } from '@/components/gateways/gateway-queries'
import { Button } from '@/components/ui/button'
import { Callout } from '@/components/ui/callout'
import { Checkbox } from '@/components/ui/checkbox'
import { Dialog, DialogClose, DialogContent } from '@/components/ui/dialog'
import { EmptyState } from '@/components/ui/empty-state'
import { Field } from '@/components/ui/field'
import { Label } from '@/components/ui/label'
import { Select } from '@/components/ui/select'
import { Skeleton } from '@/components/ui/skeleton'
import { type Configuration, type ConfigurationVersion, configurations } from '@/lib/contract/configurations'
import type { Gateway } from '@/lib/contract/gateways'
import { newId } from '@/lib/ids'
import { api } from '../api'
import { configurationQueries } from './configuration-queries'
import { Convergence } from './convergence'

type RolloutDialogProps = { configuration: Configuration; onClose: () => void }

/** Chooses version and gateways, then shows how each gateway takes it. */
export function RolloutDialog({ configuration, onClose }: RolloutDialogProps) {
  const queryClient = useQueryClient()
  const versions = useInfiniteQuery(configurationQueries.versions(configuration.id)).data?.pages.flatMap(
    (page) => page.items,
  )
  const gateways = useInfiniteQuery(gatewayQueries.list()).data?.pages.flatMap((page) => page.items)
  const [version, setVersion] = useState(configuration.latest_version)
  const [chosen, setChosen] = useState<ReadonlySet<string>>(
    new Set(configuration.gateways.map(({ gateway_id }) => gateway_id)),
  )
  const rollout = useMutation({
    mutationFn: async () => {
      // A rollout never takes a gateway from its configuration by itself: the person here was told and chose it.
      const moving = (gateways ?? []).filter((gateway) => chosen.has(gateway.id) && isElsewhere(gateway, configuration))
      if (moving.length > 0) {
        await api(configurations.assign, { id: configuration.id, gateway_ids: moving.map(({ id }) => id) })
      }
      return api(
        configurations.rollout,
        { gateway_ids: [...chosen], version, configuration_id: configuration.id },
        { idempotencyKey: newId('req') },
      )
    },
    onSuccess: () =>
      Promise.all([
        queryClient.invalidateQueries({ queryKey: configurationQueries.all }),
        queryClient.invalidateQueries({ queryKey: gatewayQueries.all }),
      ]),
  })
  const toggle = (id: string) => setChosen(chosen.symmetricDifference(new Set([id])))
  return (
    <Dialog open onOpenChange={(open) => !open && onClose()}>
      <DialogContent
        title={`Roll out ${configuration.name}`}
        description="Connected gateways change at once, others at their next poll. Requests under way finish as they began."
        footer={
          rollout.data ? (
            <Button variant="primary" onClick={onClose}>
              Done
            </Button>
          ) : (
            <>
              <DialogClose asChild>
                <Button>Cancel</Button>
              </DialogClose>
              <Button
                variant="primary"
                disabled={chosen.size === 0 || rollout.isPending}
                onClick={() => rollout.mutate()}
              >
                {rollout.isPending
                  ? 'Rolling out…'
                  : `Roll out to ${chosen.size === 1 ? '1 gateway' : `${chosen.size} gateways`}`}
              </Button>
            </>
          )
        }
      >
        {rollout.data ? (
          <Convergence items={rollout.data.items} version={rollout.data.version} />
        ) : (
          <div className="flex flex-col gap-4">
            {rollout.error && (
              <Callout tone="danger" role="alert">
                {rollout.error.message}
              </Callout>
            )}
            <Field id="rollout-version" label="Version">
              <Select
                id="rollout-version"
                value={version}
                onValueChange={setVersion}
                options={(versions ?? []).map((known) => ({
                  value: known.version,
                  label: versionWords(known, configuration),
                }))}
              />
            </Field>
            <GatewayChoice gateways={gateways} chosen={chosen} onToggle={toggle} configuration={configuration} />
          </div>
        )}
      </DialogContent>
    </Dialog>
  )
}

/** `1.2.0, newest: Slow answers end after 20 seconds.` */
function versionWords({ version, note }: ConfigurationVersion, { latest_version: latest }: Configuration): string {
  return `${version}${version === latest ? ', newest' : ''}${note ? `: ${note}` : ''}`
}

type GatewayChoiceProps = {
  gateways: Gateway[] | undefined
  chosen: ReadonlySet<string>
  onToggle: (id: string) => void
  configuration: Configuration
}

function GatewayChoice({ gateways, chosen, onToggle, configuration }: GatewayChoiceProps) {
  if (!gateways) return <Skeleton className="h-24" />
  if (gateways.length === 0) {
    return <EmptyState title="No gateways to roll out to" command="kt gateway register proxy_production_01" />
  }
  return (
    <fieldset className="flex flex-col gap-1.5">
      <legend className="mb-1.5 font-medium text-sm">Gateways</legend>
      {gateways.map((gateway) => {
        const { id, configuration_name: theirName, running_version: running } = gateway
        return (
          <div key={id} className="flex items-center gap-2.5">
            <Checkbox id={`gateway-${id}`} checked={chosen.has(id)} onCheckedChange={() => onToggle(id)} />
            <Label htmlFor={`gateway-${id}`} className="flex min-w-0 flex-wrap gap-x-2">
              <span className="break-all font-mono text-xs">{id}</span>
              <span className="font-normal text-fg-muted text-xs">
                {running ? `runs ${running}` : 'runs nothing yet'}
                {isElsewhere(gateway, configuration) && ` of ${theirName}, which it will leave`}
              </span>
            </Label>
          </div>
        )
      })}
    </fieldset>
  )
}

const isElsewhere = ({ configuration_id: theirs }: Gateway, { id }: Configuration) => theirs !== null && theirs !== id
