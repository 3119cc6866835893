import { VERSION } from '@/lib/version'
import { LastKnownGood } from './last-known-good'
import { Managed, type ManagedOptions } from './managed'
import type { Settled } from './run-options'
import { RunningConfiguration } from './running-configuration'

type Owner = Pick<ManagedOptions, 'store' | 'vitals' | 'settled' | 'onRecall'> & { steps: (() => Promise<unknown>)[] }

const GOODBYE_MS = 1_000

/**
 * What keeps a gateway in step with its control plane, with everything loaded that there is.
 *
 * @returns to be told to `run` once the gateway listens, and to `refresh` before when much time has passed
 * @throws GatewayStartError `no_configuration`
 */
export async function startLink(
  settled: Settled,
  dataDirectory: string,
  owner: Owner,
): Promise<Pick<Managed, 'run' | 'pollNow' | 'refresh'>> {
  const { gatewayId, controlPlane, environment, upstreamUrl, policyConfigPath, log } = settled
  const { pollIntervalSeconds, pollWithoutPushSeconds } = settled
  const { store, vitals, steps } = owner
  if (controlPlane === undefined) throw new Error('There is no control plane to be linked with.')
  const { apiUrl, token, trustKey } = controlPlane
  const disk = new LastKnownGood(dataDirectory, (path) => log.error({ path }, 'a damaged file was not used'))
  const common = { store, disk, gatewayId, gatewayVersion: VERSION, log }
  const configuration = policyConfigPath
    ? null
    : new RunningConfiguration({ ...common, environment, trustKey, upstreamUrl })
  const managed = new Managed({
    ...common,
    address: { apiUrl, token, gatewayId },
    configuration,
    pollIntervalSeconds,
    pollWithoutPushSeconds,
    vitals,
    settled: owner.settled,
    onRecall: owner.onRecall,
  })
  await managed.start()
  steps.push(() => managed.stop(GOODBYE_MS))
  return managed
}
