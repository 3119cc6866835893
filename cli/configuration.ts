import { readFile } from 'node:fs/promises'
import type { Client } from '@/lib/client'
import { CONFIGURATION_BYTES_MAX, type Configuration, configurations } from '@/lib/contract/configurations'
import { AppError } from '@/lib/errors'
import type { Io } from './io'
import { collectPages, ROWS_MAX } from './pages'

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
export async function readYaml({ stdin }: Io, path: string): Promise<string> {
  const bytes = path === '-' ? await readAll(stdin) : await readFile(path).catch(refuse(path))
  if (bytes.length > CONFIGURATION_BYTES_MAX) {
    throw new AppError(
      'invalid_request',
      `${path} has ${bytes.length} bytes; at most ${CONFIGURATION_BYTES_MAX} are allowed.`,
    )
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch (cause) {
    throw new AppError('invalid_request', `${path} is not UTF-8 text.`, { cause })
  }
}

const refuse = (path: string) => (cause: NodeJS.ErrnoException) => {
  throw new AppError('invalid_request', `Cannot read ${path}: ${cause.code}.`, { cause })
}

async function readAll(stream: NodeJS.ReadableStream): Promise<Buffer> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of stream) {
    chunks.push(Buffer.from(chunk))
    size += chunk.length
    if (size > CONFIGURATION_BYTES_MAX) break
  }
  return Buffer.concat(chunks)
}
