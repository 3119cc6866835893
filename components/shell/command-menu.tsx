'use client'

import { Search } from 'lucide-react'
import dynamic from 'next/dynamic'
import { useEffect, useState } from 'react'
import { Button } from '@/components/ui/button'

const CommandPalette = dynamic(() => import('./command-palette').then((module) => module.CommandPalette), {
  ssr: false,
})

/** Ctrl/Cmd-K. What it shows is loaded when it is first opened; what is typed meanwhile is kept for it. */
export function CommandMenu() {
  const [open, setOpen] = useState(false)
  const [wasOpened, setWasOpened] = useState(false)
  const [isThere, setIsThere] = useState(false)
  const early = useEarlyText(open && !isThere)

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
      {wasOpened && (
        <CommandPalette open={open} onOpenChange={setOpen} early={early} onThere={() => setIsThere(true)} />
      )}
    </>
  )
}

/** What is typed while there is no field for it yet. */
function useEarlyText(isWaiting: boolean): string {
  const [text, setText] = useState('')
  useEffect(() => {
    if (!isWaiting) return
    const listener = (event: KeyboardEvent) => {
      if (event.key.length !== 1 || event.ctrlKey || event.metaKey || event.altKey) return
      // It is neither a key of the list behind nor a press of the button in focus.
      event.preventDefault()
      event.stopPropagation()
      setText((typed) => typed + event.key)
    }
    window.addEventListener('keydown', listener, true)
    return () => window.removeEventListener('keydown', listener, true)
  }, [isWaiting])
  return text
}
