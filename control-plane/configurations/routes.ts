import { configurations } from '@/lib/contract/configurations'
import { Routes } from '../routes'
import { assignConfiguration, createConfiguration, createVersion } from './commands'
import {
  getConfiguration,
  getRuntimeState,
  getVersion,
  lintConfiguration,
  listConfigurations,
  listRuntime,
  listVersions,
  seenOf,
} from './queries'
import { rollOut } from './rollout/commands'

export const configurationRoutes = new Routes()
  .on(configurations.list, listConfigurations)
  .on(configurations.create, createConfiguration)
  .on(configurations.get, getConfiguration, { etagOf: seenOf })
  .on(configurations.lint, lintConfiguration)
  .on(configurations.listVersions, listVersions)
  .on(configurations.getVersion, getVersion)
  .on(configurations.createVersion, createVersion)
  .on(configurations.assign, assignConfiguration)
  .on(configurations.listRuntime, listRuntime)
  .on(configurations.rollout, rollOut)
  .on(configurations.runtimeState, getRuntimeState, {
    // The keys are those of their revision: comparing that is cheaper than comparing thousands of them.
    etagOf: ({ server_time: _time, keys, ...rest }) => ({ ...rest, withKeys: keys.length > 0 }),
  })
