'use client'

import { FileArchive } from 'lucide-react'
import { useRef, useState } from 'react'
import { Button } from '@/components/ui/button'
import { cn } from '@/components/ui/cn'

type BundleDropProps = { file: File | null; onChoose: (file: File) => void }

/** Takes a file by dropping or choosing. It stays in this browser. */
export function BundleDrop({ file, onChoose }: BundleDropProps) {
  const input = useRef<HTMLInputElement>(null)
  const [isOver, setIsOver] = useState(false)
  return (
    <section
      aria-label="Evidence bundle"
      onDragOver={(event) => {
        event.preventDefault()
        setIsOver(true)
      }}
      onDragLeave={() => setIsOver(false)}
      onDrop={(event) => {
        event.preventDefault()
        setIsOver(false)
        const [dropped] = event.dataTransfer.files
        if (dropped) onChoose(dropped)
      }}
      className={cn(
        'flex flex-col items-center gap-3 rounded-md border border-border-input border-dashed bg-surface px-4 py-8 text-center',
        isOver && 'border-accent bg-selected',
      )}
    >
      <FileArchive aria-hidden className="size-6 text-fg-muted" />
      <p className="min-w-0 break-all text-sm">
        {file ? <span className="font-medium">{file.name}</span> : 'Drop bundle.zip here, or choose it.'}
      </p>
      <input
        ref={input}
        type="file"
        hidden
        accept=".zip,application/zip"
        aria-label="Evidence bundle (zip)"
        onChange={(event) => {
          const chosen = event.target.files?.[0]
          if (chosen) onChoose(chosen)
          event.target.value = ''
        }}
      />
      <Button onClick={() => input.current?.click()}>{file ? 'Choose another file' : 'Choose a file'}</Button>
    </section>
  )
}
