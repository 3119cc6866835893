'use client'

import { Command } from 'cmdk'
import {
  BookOpen,
  FileSearch,
  KeyRound,
  LogOut,
  type LucideIcon,
  Monitor,
  Moon,
  Network,
  PiggyBank,
  Plus,
  Sun,
  Wallet,
} from 'lucide-react'
import { useRouter } from 'next/navigation'
import { Dialog } from 'radix-ui'
import { useEffect, useEffectEvent, useRef, useState } from 'react'
import { NameText } from '@/components/ui/name-text'
import { useFocusReturn } from '@/components/ui/use-focus-return'
import { signOutOrSay } from './account-menu'
import { navFor } from './nav'
import { useTheme } from './theme'
import { type Found, useFind } from './use-find'
import { useCan, useWhoami } from './whoami-context'

type CommandPaletteProps = {
  open: boolean
  onOpenChange: (open: boolean) => void
  /** What was typed before it was there, and how it says that it is. */
  early: string
  onThere: () => void
}

const FOUND_ICONS: Record<Found['kind'], LucideIcon> = {
  key: KeyRound,
  gateway: Network,
  budget: PiggyBank,
  wallet: Wallet,
  event: FileSearch,
  request: FileSearch,
}
const BILLING_ACTIONS = [
  { label: 'Create budget', href: '/budgets?create=true' },
  { label: 'Allocate to a wallet', href: '/wallets?move=allocate' },
  { label: 'Credit the organization', href: '/wallets?move=credit' },
  { label: 'Set a model price', href: '/settings/model-prices?set=true' },
]
const groupClasses =
  '[&_[cmdk-group-heading]]:px-2.5 [&_[cmdk-group-heading]]:py-1.5 [&_[cmdk-group-heading]]:text-fg-muted [&_[cmdk-group-heading]]:text-xs'

/** Go anywhere, find a key, gateway or event by id or name, run an action. */
export function CommandPalette({ open, onOpenChange, early, onThere }: CommandPaletteProps) {
  const [text, setText] = useState(early)
  const sayThere = useEffectEvent(onThere)
  // The keyboard: from here on its presses go to the field.
  useEffect(() => sayThere(), [])
  const { permissions } = useWhoami()
  const canWriteTokens = useCan('tokens:write')
  const canBill = useCan('org:billing')
  const { found, isFinding } = useFind(open ? text.trim() : '')
  const [, setTheme] = useTheme()
  const router = useRouter()
  const focusReturn = useFocusReturn()
  const input = useRef<HTMLInputElement>(null)
  const run = (action: () => void) => {
    onOpenChange(false)
    setText('')
    action()
  }
  const go = (href: string) => run(() => router.push(href))

  return (
    <Dialog.Root open={open} onOpenChange={onOpenChange}>
      <Dialog.Portal>
        <Dialog.Overlay className="fixed inset-0 z-50 animate-fade-in bg-overlay" />
        <Dialog.Content
          aria-describedby={undefined}
          {...focusReturn}
          onOpenAutoFocus={(event) => {
            focusReturn.onOpenAutoFocus()
            // Of itself it would mark the text, and the next key would replace what was typed early.
            event.preventDefault()
            input.current?.focus()
            input.current?.setSelectionRange(text.length, text.length)
          }}
          className="fixed top-[12dvh] left-1/2 z-50 w-[calc(100vw-2rem)] max-w-xl -translate-x-1/2 animate-fade-in overflow-hidden rounded-md border bg-raised shadow-overlay outline-none"
        >
          <Dialog.Title className="sr-only">Search and commands</Dialog.Title>
          <Command label="Search and commands" loop filter={standing}>
            <Command.Input
              ref={input}
              value={text}
              onValueChange={setText}
              placeholder="Page, action, key, gateway, event id…"
              className="h-12 w-full border-b bg-transparent px-4 text-base outline-none focus-visible:border-accent"
            />
            <Command.List className="max-h-[50dvh] overflow-y-auto p-1">
              <Command.Empty className="px-4 py-8 text-center text-fg-muted text-sm">
                {isFinding ? 'Searching…' : 'Nothing found. Names are searched from two letters on.'}
              </Command.Empty>
              {found.length > 0 && (
                <Command.Group heading="Found" className={groupClasses}>
                  {found.map((item) => (
                    <Item
                      key={item.href}
                      value={`${text} ${item.href}`}
                      icon={FOUND_ICONS[item.kind]}
                      onSelect={() => go(item.href)}
                    >
                      <NameText name={item.label} className="min-w-0" />
                      <span className="ml-auto shrink-0 truncate pl-3 text-fg-muted text-xs">{item.note}</span>
                    </Item>
                  ))}
                </Command.Group>
              )}
              <Command.Group heading="Go to" className={groupClasses}>
                {navFor(permissions).flatMap(({ items }) =>
                  items.map(({ href, label, icon }) => (
                    <Item key={href} value={`go ${label}`} icon={icon} onSelect={() => go(href)}>
                      {label}
                    </Item>
                  )),
                )}
                <Item value="go API reference" icon={BookOpen} onSelect={() => go('/docs/api')}>
                  API reference
                </Item>
              </Command.Group>
              <Command.Group heading="Actions" className={groupClasses}>
                {canWriteTokens && (
                  <>
                    <Item
                      value="create gateway key"
                      icon={Plus}
                      onSelect={() => go('/settings/gateway-keys?create=true')}
                    >
                      Create gateway key
                    </Item>
                    <Item
                      value="create access key"
                      icon={Plus}
                      onSelect={() => go('/settings/access-keys?create=true')}
                    >
                      Create access key
                    </Item>
                  </>
                )}
                {canBill &&
                  BILLING_ACTIONS.map(({ label, href }) => (
                    <Item key={href} value={label.toLowerCase()} icon={Plus} onSelect={() => go(href)}>
                      {label}
                    </Item>
                  ))}
                <Item value="theme light" icon={Sun} onSelect={() => run(() => setTheme('light'))}>
                  Use the light theme
                </Item>
                <Item value="theme dark" icon={Moon} onSelect={() => run(() => setTheme('dark'))}>
                  Use the dark theme
                </Item>
                <Item value="theme system" icon={Monitor} onSelect={() => run(() => setTheme('system'))}>
                  Follow the system theme
                </Item>
                <Item value="sign out" icon={LogOut} onSelect={() => run(() => void signOutOrSay())}>
                  Sign out
                </Item>
              </Command.Group>
            </Command.List>
          </Command>
        </Dialog.Content>
      </Dialog.Portal>
    </Dialog.Root>
  )
}

/** Words stand in what they find: letters that are strewn over a name would find pages ahead of what is meant. */
function standing(value: string, search: string): number {
  const [name, words] = [value.toLowerCase(), search.toLowerCase().trim().split(/\s+/)]
  if (!words.every((word) => name.includes(word))) return 0
  return words.every((word) => ` ${name}`.includes(` ${word}`)) ? 1 : 0.5
}

type ItemProps = { value: string; icon: LucideIcon; onSelect: () => void; children: React.ReactNode }

function Item({ value, icon: Icon, onSelect, children }: ItemProps) {
  return (
    <Command.Item
      value={value}
      onSelect={onSelect}
      className="flex cursor-pointer items-center gap-2.5 rounded-md px-2.5 py-2 text-sm data-[selected=true]:bg-hover"
    >
      <Icon aria-hidden className="size-4 shrink-0 text-fg-muted" />
      {children}
    </Command.Item>
  )
}
