import { cookies, headers } from 'next/headers'
import { redirect } from 'next/navigation'
import type { ReactNode } from 'react'
import { ControlPlaneAway } from '@/components/shell/control-plane-away'
import { SIDEBAR_COOKIE } from '@/components/shell/preference'
import { signInPath } from '@/components/shell/return-to'
import { Shell } from '@/components/shell/shell'
import { readViewer } from '@/lib/server/viewer'

/** Nothing of the console is rendered for anyone who is not signed in; every BFF route asks again by itself. */
export default async function ConsoleLayout({ children }: { children: ReactNode }) {
  const viewer = await readViewer()
  // The host writes the path that was asked for into this header; a layout has no other way to know it.
  if (viewer.state === 'signed_out') redirect(signInPath((await headers()).get('x-keeptrusts-path') ?? '/'))
  if (viewer.state === 'unavailable') return <ControlPlaneAway message={viewer.message} requestId={viewer.requestId} />
  const isCollapsed = (await cookies()).get(SIDEBAR_COOKIE)?.value === 'collapsed'
  return (
    <Shell whoami={viewer.whoami} isCollapsed={isCollapsed}>
      {children}
    </Shell>
  )
}
