import type { ControlPlane } from '@/control-plane/app'

/** Under this name the pages' server code finds the control plane of its own process (lib/server). */
const DOOR = Symbol.for('keeptrusts.control-plane')

/** Lets the pages call the control plane without a network. They say who calls; the activity log shows the console. */
export function openControlPlaneDoor(controlPlane: ControlPlane): void {
  const door = (request: Request, { ip }: { ip: string | null } = { ip: null }): Promise<Response> =>
    controlPlane.fetch(request, { ip, source: 'console' })
  Object.assign(globalThis, { [DOOR]: door })
}
