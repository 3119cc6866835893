import { chmod, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { z } from 'zod'
import { AppError } from '@/lib/errors'
import { configDir, type Io } from './io'
import { isAbsence, statOrAbsent } from './stat-or-absent'

/** A signed-in session and the one control plane it may be sent to. */
const Credentials = z.object({
  api_url: z.string(),
  session_token: z.string(),
  email: z.string(),
  expires_at: z.string(),
})
export type Credentials = z.infer<typeof Credentials>

export const credentialsPath = (env: Io['env']): string => join(configDir(env), 'credentials.json')

/** What `kt auth login` stored, or null when nobody is signed in. */
export async function readCredentials(env: Io['env']): Promise<Credentials | null> {
  const path = credentialsPath(env)
  const text = await readFile(path, 'utf8').catch((cause: NodeJS.ErrnoException) => {
    if (isAbsence(cause)) return null
    throw new AppError('internal', `Cannot read ${path}: ${cause.code}.`, { cause })
  })
  if (text === null) return null
  const parsed = Credentials.safeParse(jsonOrNull(text))
  if (!parsed.success) throw new AppError('internal', `${path} is damaged. Delete it and run \`kt auth login\`.`)
  return parsed.data
}

/** Written beside and renamed, so that the file is never half there and never readable by others, not even briefly. */
export async function writeCredentials(env: Io['env'], credentials: Credentials): Promise<void> {
  const path = credentialsPath(env)
  const partial = `${path}.${process.pid}`
  await mkdir(dirname(path), { recursive: true, mode: 0o700 })
  try {
    await writeFile(partial, `${JSON.stringify(credentials, null, 2)}\n`, { mode: 0o600, flag: 'wx' })
    await chmod(partial, 0o600)
    await rename(partial, path)
  } catch (cause) {
    await rm(partial, { force: true })
    throw new AppError('internal', `Cannot write ${path}: ${(cause as NodeJS.ErrnoException).code}.`, { cause })
  }
}

/** Whether there was something to delete. */
export async function deleteCredentials(env: Io['env']): Promise<boolean> {
  const path = credentialsPath(env)
  const there = (await statOrAbsent(path)) !== null
  await rm(path, { force: true })
  return there
}

function jsonOrNull(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}
