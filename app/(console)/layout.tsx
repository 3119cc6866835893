import { cookies } from 'next/headers'
import type { ReactNode } from 'react'
import { ControlPlaneAway } from '@/components/shell/control-plane-away'
import { LeaveForSignIn } from '@/components/shell/leave-for-sign-in'
import { SIDEBAR_COOKIE } from '@/components/shell/preference'
import { Shell } from '@/components/shell/shell'
import { readViewer } from '@/lib/server/viewer'

/** Nothing of the console is rendered for anyone who is not signed in; every BFF route asks again by itself. */
export default async function ConsoleLayout({ children }: { children: ReactNode }) {
  const viewer = await readViewer()
  if (viewer.state === 'signed_out') return <LeaveForSignIn />
  if (viewer.state === 'unavailable') return <ControlPlaneAway message={viewer.message} requestId={viewer.requestId} />
  const isCollapsed = (await cookies()).get(SIDEBAR_COOKIE)?.value === 'collapsed'
  return (
    <Shell whoami={viewer.whoami} isCollapsed={isCollapsed}>
      {children}
    </Shell>
  )
}
