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
  if (apiUrl) return { baseUrl: apiUrl, fetch: heldFetch, headers }

  const inProcess: unknown = Reflect.get(globalThis, IN_PROCESS)
  if (typeof inProcess !== 'function') {
    throw new AppError('unavailable', 'The control plane has not started yet. Try again in a moment.')
  }
  const peer = { ip: from.get('x-keeptrusts-peer'), source: 'console' }
  return { baseUrl: 'http://control-plane.internal', fetch: (request) => inProcess(request, peer), headers }
}

/**
 * What is being asked over HTTP now. In Node a request that nobody holds is collected while its answer is read, and with it
 * the link from its signal to the connection: a stream whose browser has gone would then never end.
 */
const underWay = new Set<Request>()

async function heldFetch(request: Request): Promise<Response> {
  underWay.add(request)
  const release = () => underWay.delete(request)
  try {
    const response = await globalThis.fetch(request)
    if (response.body === null) release()
    return response.body === null ? response : new Response(until(response.body, release), response)
  } catch (cause) {
    release()
    throw cause
  }
}

/** The same bytes; tells when there are no more, whyever. */
function until(body: ReadableStream<Uint8Array>, over: () => void): ReadableStream<Uint8Array> {
  const reader = body.getReader()
  return new ReadableStream({
    async pull(controller) {
      try {
        const { done, value } = await reader.read()
        if (!done) return controller.enqueue(value)
        over()
        controller.close()
      } catch (cause) {
        over()
        controller.error(cause)
      }
    },
    cancel(reason) {
      over()
      return reader.cancel(reason)
    },
  })
}

/** The typed client over the door. Without a token it can call what is public. */
export function controlPlane(from: Headers, sessionToken?: string): Client {
  const { baseUrl, fetch, headers } = controlPlaneDoor(from)
  if (sessionToken) headers.authorization = `Bearer ${sessionToken}`
  return createClient({ baseUrl, fetch, headers })
}
