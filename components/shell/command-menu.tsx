'use client'

import { Search } from 'lucide-react'
import dynamic from 'next/dynamic'
import { useEffect, useState } from 'react'
import { Button } from '@/components/ui/button'

const CommandPalette = dynamic(() => import('./command-palette').then((module) => module.CommandPalette), {
  ssr: false,
})

/** Ctrl/Cmd-K. What it shows is loaded when it is first opened. */
export function CommandMenu() {
  const [open, setOpen] = useState(false)
  const [wasOpened, setWasOpened] = useState(false)

  useEffect(() => {
    const listener = (event: KeyboardEvent) => {
      if (event.key.toLowerCase() !== 'k' || !(event.ctrlKey || event.metaKey) || event.altKey || event.shiftKey) return
      event.preventDefault()
      setOpen((isOpen) => !isOpen)
      setWasOpened(true)
    }
    window.addEventListener('keydown', listener)
    return () => window.removeEventListener('keydown', listener)
  }, [])

  return (
    <>
      <Button
        variant="outline"
        size="sm"
        aria-label="Search and commands"
        aria-keyshortcuts="Control+K Meta+K"
        className="border-border font-normal text-fg-muted sm:min-w-48 sm:justify-start"
        onClick={() => {
          setOpen(true)
          setWasOpened(true)
        }}
      >
        <Search />
        <span className="hidden sm:inline">Search or run…</span>
        <kbd className="ml-auto hidden rounded-md border bg-sunken px-1 font-sans text-xs sm:inline">Ctrl K</kbd>
      </Button>
      {wasOpened && <CommandPalette open={open} onOpenChange={setOpen} />}
    </>
  )
}
