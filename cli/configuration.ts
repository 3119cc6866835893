import type { Client } from '@/lib/client'
import { CONFIGURATION_BYTES_MAX, type Configuration, configurations } from '@/lib/contract/configurations'
import { AppError } from '@/lib/errors'
import type { Io } from './io'
import { collectPages, ROWS_MAX } from './pages'
import { readTextFile } from './text-file'

/** By id or by name. A name that several configurations share is refused, never guessed at. */
export async function findConfiguration(call: Client, nameOrId: string): Promise<Configuration> {
  if (/^cfg_[0-9a-z]{1,60}$/.test(nameOrId)) return call(configurations.get, { id: nameOrId })
  const { items } = await collectPages(ROWS_MAX, (position) => call(configurations.list, position))
  const [found, ...others] = items.filter(({ name }) => name === nameOrId)
  if (!found) {
    throw new AppError(
      'not_found',
      `There is no configuration named "${nameOrId}". \`kt config list\` shows what there is.`,
    )
  }
  if (others.length > 0) {
    const ids = [found, ...others].map(({ id }) => id).join(', ')
    throw new AppError('conflict', `Several configurations are named "${nameOrId}": use an id (${ids}).`)
  }
  return found
}

/** A policy-config.yaml from disk; `-` reads standard input. */
export const readYaml = (io: Io, path: string): Promise<string> => readTextFile(io, path, CONFIGURATION_BYTES_MAX)
