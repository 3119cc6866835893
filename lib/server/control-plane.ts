import 'server-only'
import { type Client, createClient } from '@/lib/client'
import { AppError } from '@/lib/errors'
import { config } from './config'

/** The way to the control plane: a call in this process, or HTTP when it runs elsewhere. */
export type ControlPlaneDoor = {
  baseUrl: string
  fetch: (request: Request) => Promise<Response>
  headers: Record<string, string>
}

const IN_PROCESS = Symbol.for('keeptrusts.control-plane')

/**
 * @param from the headers of the browser's request. The host removes `x-keeptrusts-peer` when it came from outside and
 *   writes the address it saw. It travels beside the request, where no header can pose as it; over HTTP nothing is said.
 */
export function controlPlaneDoor(from: Headers): ControlPlaneDoor {
  const userAgent = from.get('user-agent')
  const headers: Record<string, string> = userAgent ? { 'user-agent': userAgent.slice(0, 400) } : {}
  const { apiUrl } = config()
  if (apiUrl) return { baseUrl: apiUrl, fetch: (request) => globalThis.fetch(request), headers }

  const inProcess: unknown = Reflect.get(globalThis, IN_PROCESS)
  if (typeof inProcess !== 'function') {
    throw new AppError('unavailable', 'The control plane has not started yet. Try again in a moment.')
  }
  const peer = { ip: from.get('x-keeptrusts-peer'), source: 'console' }
  return { baseUrl: 'http://control-plane.internal', fetch: (request) => inProcess(request, peer), headers }
}

/** The typed client over the door. Without a token it can call what is public. */
export function controlPlane(from: Headers, sessionToken?: string): Client {
  const { baseUrl, fetch, headers } = controlPlaneDoor(from)
  if (sessionToken) headers.authorization = `Bearer ${sessionToken}`
  return createClient({ baseUrl, fetch, headers })
}
