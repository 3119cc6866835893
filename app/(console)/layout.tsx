import { cookies, headers } from 'next/headers'
import { redirect } from 'next/navigation'
import type { ReactNode } from 'react'
import { ControlPlaneAway } from '@/components/shell/control-plane-away'
import { SIDEBAR_COOKIE } from '@/components/shell/preference'
import { Providers } from '@/components/shell/providers'
import { signInPath } from '@/components/shell/return-to'
import { Shell } from '@/components/shell/shell'
import { config } from '@/lib/server/config'
import { readViewer } from '@/lib/server/viewer'

/** Nothing of the console is rendered for anyone who is not signed in; every BFF route asks again by itself. */
export default async function ConsoleLayout({ children }: { children: ReactNode }) {
  const viewer = await readViewer()
  if (viewer.state === 'signed_out') redirect(signInPath(await askedPath()))
  if (viewer.state === 'unavailable') return <ControlPlaneAway message={viewer.message} requestId={viewer.requestId} />
  const isCollapsed = (await cookies()).get(SIDEBAR_COOKIE)?.value === 'collapsed'
  return (
    <Providers>
      <Shell whoami={viewer.whoami} gatewayUrl={config().gatewayUrl} isCollapsed={isCollapsed}>
        {children}
      </Shell>
    </Providers>
  )
}

/** The page that was asked for. A layout is not told, so the host says it (server/console-server.ts). */
async function askedPath(): Promise<string> {
  const url = new URL((await headers()).get('x-keeptrusts-path') ?? '/', 'http://console.invalid')
  // Next's own mark on the navigations it makes in the page.
  url.searchParams.delete('_rsc')
  return url.pathname + url.search
}
