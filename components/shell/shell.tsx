'use client'

import { Menu } from 'lucide-react'
import { Dialog } from 'radix-ui'
import { type ReactNode, useState } from 'react'
import { NotificationBell } from '@/components/notifications/notification-bell'
import { Button } from '@/components/ui/button'
import { cn } from '@/components/ui/cn'
import { NameText } from '@/components/ui/name-text'
import type { Whoami } from '@/lib/contract/whoami'
import { AccountMenu } from './account-menu'
import { CommandMenu } from './command-menu'
import { GatewayUrlProvider } from './gateway-url-context'
import { rememberPreference, SIDEBAR_COOKIE } from './preference'
import { Sidebar } from './sidebar'
import { SlowNotice } from './slow-notice'
import { ThemeMenu } from './theme-menu'
import { WhoamiProvider } from './whoami-context'

type ShellProps = { whoami: Whoami; gatewayUrl: string; isCollapsed: boolean; children: ReactNode }

/** The frame of every page: sidebar, top bar, main. */
export function Shell({ whoami, gatewayUrl, isCollapsed: isCollapsedAtFirst, children }: ShellProps) {
  const [isCollapsed, setIsCollapsed] = useState(isCollapsedAtFirst)
  const toggle = () => {
    rememberPreference(SIDEBAR_COOKIE, isCollapsed ? 'open' : 'collapsed')
    setIsCollapsed(!isCollapsed)
  }
  return (
    <WhoamiProvider whoami={whoami}>
      <a
        href="#main"
        className="sr-only z-60 rounded-md bg-raised px-3 py-2 focus:not-sr-only focus:fixed focus:top-2 focus:left-2"
      >
        Skip to content
      </a>
      <div className="flex min-h-dvh">
        <aside
          className={cn(
            'sticky top-0 hidden h-dvh shrink-0 border-r bg-surface lg:block print:hidden!',
            isCollapsed ? 'w-13' : 'w-56',
          )}
        >
          <Sidebar isCollapsed={isCollapsed} onToggle={toggle} />
        </aside>
        <div className="flex min-w-0 flex-1 flex-col">
          <header className="sticky top-0 z-20 flex h-12 shrink-0 items-center gap-2 border-b bg-surface px-3 lg:px-5 print:hidden">
            <MobileNav />
            <NameText name={whoami.organization.name} className="min-w-0 font-medium text-sm" />
            <div className="ml-auto flex items-center gap-1">
              <CommandMenu />
              <NotificationBell />
              <ThemeMenu />
              <AccountMenu />
            </div>
          </header>
          <main id="main" tabIndex={-1} className="flex min-w-0 flex-1 flex-col gap-4 p-3 outline-none lg:p-5">
            <GatewayUrlProvider url={gatewayUrl}>{children}</GatewayUrlProvider>
          </main>
          <SlowNotice />
        </div>
      </div>
    </WhoamiProvider>
  )
}

function MobileNav() {
  const [open, setOpen] = useState(false)
  return (
    <Dialog.Root open={open} onOpenChange={setOpen}>
      <Dialog.Trigger asChild>
        <Button variant="ghost" size="icon" className="lg:hidden" aria-label="Open the navigation">
          <Menu />
        </Button>
      </Dialog.Trigger>
      <Dialog.Portal>
        <Dialog.Overlay className="fixed inset-0 z-40 animate-fade-in bg-overlay lg:hidden" />
        <Dialog.Content
          aria-describedby={undefined}
          className="fixed inset-y-0 left-0 z-50 w-64 max-w-[80vw] animate-slide-in-left border-r bg-surface outline-none lg:hidden"
        >
          <Dialog.Title className="sr-only">Navigation</Dialog.Title>
          <Sidebar isCollapsed={false} onNavigate={() => setOpen(false)} />
        </Dialog.Content>
      </Dialog.Portal>
    </Dialog.Root>
  )
}
