import type { ControlPlane } from '@/control-plane/app'
import { AppError, problemResponse } from '@/lib/errors'
import { newId } from '@/lib/ids'

/** What a console answers under `/v1` and to health checks when its control plane runs elsewhere. */
export function controlPlaneElsewhere(apiUrl: string): ControlPlane {
  const { origin } = new URL(apiUrl)
  return {
    async fetch(request) {
      const { pathname } = new URL(request.url)
      if (pathname === '/healthz') return Response.json({ status: 'ok' })
      if (pathname === '/readyz') return Response.json({ status: 'ready' })
      return problemResponse(
        new AppError('not_found', `The control plane of this console is at ${origin}.`),
        newId('req'),
      )
    },
    close: async () => undefined,
  }
}
