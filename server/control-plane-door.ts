import type { ControlPlane } from '@/control-plane/app'

/** Lets the pages of this process call the control plane without a network: lib/server/control-plane.ts looks for it here. */
export function openControlPlaneDoor({ fetch }: ControlPlane): void {
  Object.assign(globalThis, { [Symbol.for('keeptrusts.control-plane')]: fetch })
}
