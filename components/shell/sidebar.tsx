'use client'

import { PanelLeftClose, PanelLeftOpen } from 'lucide-react'
import Link from 'next/link'
import { usePathname } from 'next/navigation'
import { Button } from '@/components/ui/button'
import { cn } from '@/components/ui/cn'
import { Logo } from '@/components/ui/logo'
import { Tooltip } from '@/components/ui/tooltip'
import { isCurrent, type NavItem, navFor } from './nav'
import { useWhoami } from './whoami-context'

type SidebarProps = { isCollapsed: boolean; onToggle?: () => void; onNavigate?: () => void }

export function Sidebar({ isCollapsed, onToggle, onNavigate }: SidebarProps) {
  const { permissions } = useWhoami()
  return (
    <div className="flex h-full flex-col">
      <div className={cn('flex h-12 shrink-0 items-center gap-2 px-4', isCollapsed && 'justify-center px-0')}>
        <Link href="/" onClick={onNavigate} className="flex items-center gap-2 rounded-md font-semibold tracking-tight">
          <Logo className="size-5" />
          <span className={isCollapsed ? 'sr-only' : undefined}>Keeptrusts</span>
        </Link>
      </div>
      <nav aria-label="Main" className="flex flex-1 flex-col gap-4 overflow-y-auto px-2 py-2">
        {navFor(permissions).map(({ label, items }) => (
          <div key={label ?? 'top'}>
            {label && (
              <p className={cn('px-2 pb-1 font-medium text-fg-muted text-xs', isCollapsed && 'sr-only')}>{label}</p>
            )}
            <ul className="flex flex-col gap-px">
              {items.map((item) => (
                <li key={item.href}>
                  <SidebarLink item={item} isCollapsed={isCollapsed} onNavigate={onNavigate} />
                </li>
              ))}
            </ul>
          </div>
        ))}
      </nav>
      {onToggle && (
        <div className={cn('px-2 py-2', isCollapsed && 'flex justify-center')}>
          <Button
            variant="ghost"
            size="icon"
            className="text-fg-muted"
            aria-label={isCollapsed ? 'Expand the sidebar' : 'Collapse the sidebar'}
            aria-expanded={!isCollapsed}
            onClick={onToggle}
          >
            {isCollapsed ? <PanelLeftOpen /> : <PanelLeftClose />}
          </Button>
        </div>
      )}
    </div>
  )
}

type SidebarLinkProps = { item: NavItem; isCollapsed: boolean; onNavigate?: () => void }

function SidebarLink({ item: { href, label, icon: Icon }, isCollapsed, onNavigate }: SidebarLinkProps) {
  const current = isCurrent(href, usePathname())
  const link = (
    <Link
      href={href}
      onClick={onNavigate}
      aria-current={current ? 'page' : undefined}
      className={cn(
        'flex h-8 items-center gap-2.5 rounded-md px-2 text-fg-muted text-sm hover:bg-hover hover:text-fg',
        current && 'bg-selected font-medium text-fg hover:bg-selected',
        isCollapsed && 'justify-center',
      )}
    >
      <Icon aria-hidden className="size-4 shrink-0" />
      <span className={isCollapsed ? 'sr-only' : 'truncate'}>{label}</span>
    </Link>
  )
  return isCollapsed ? (
    <Tooltip content={label} side="right">
      {link}
    </Tooltip>
  ) : (
    link
  )
}
