import 'server-only'
import { headers } from 'next/headers'
import { cache } from 'react'
import { type Whoami, whoami } from '@/lib/contract/whoami'
import { AppError } from '@/lib/errors'
import { controlPlane } from './control-plane'
import { readSessionToken } from './session'

export type Viewer =
  | { state: 'signed_in'; whoami: Whoami }
  | { state: 'signed_out' }
  | { state: 'unavailable'; message: string; requestId: string | undefined }

/** Who looks at the page, as the control plane knows them now. Once per request. */
export const readViewer = cache(async (): Promise<Viewer> => {
  const token = await readSessionToken()
  if (!token) return { state: 'signed_out' }
  try {
    return { state: 'signed_in', whoami: await controlPlane(await headers(), token)(whoami.get, {}) }
  } catch (thrown) {
    if (!(thrown instanceof AppError)) throw thrown
    if (thrown.status === 401) return { state: 'signed_out' }
    return { state: 'unavailable', message: thrown.message, requestId: thrown.requestId }
  }
})
