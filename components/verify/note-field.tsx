'use client'

import { FileUp } from 'lucide-react'
import { useRef, useState } from 'react'
import { Button } from '@/components/ui/button'
import { describedBy, Field } from '@/components/ui/field'
import { fieldClasses } from '@/components/ui/input'

type NoteFieldProps = {
  id: string
  label: string
  hint: string
  value: string
  onChange: (note: string) => void
}

/** Longer than any checkpoint: what is chosen by mistake is not read into the page. */
const BYTES_MAX = 20_000

/** A checkpoint that somebody kept: pasted, or from a file. Every byte of it counts, so nothing is trimmed. */
export function NoteField({ id, label, hint, value, onChange }: NoteFieldProps) {
  const input = useRef<HTMLInputElement>(null)
  const [problem, setProblem] = useState<string>()
  const read = async (file: File | undefined) => {
    setProblem(undefined)
    if (!file) return
    if (file.size > BYTES_MAX) setProblem(`${file.name} is too large for a checkpoint.`)
    else onChange(await file.text())
  }
  return (
    <Field id={id} label={label} hint={hint} error={problem}>
      <textarea
        {...describedBy(id, problem)}
        className={`${fieldClasses} min-h-24 p-2.5 font-mono text-xs`}
        value={value}
        spellCheck={false}
        autoComplete="off"
        placeholder={'keeptrusts/org_…\n60\nXcnaeacGWamtVZy3…'}
        onChange={(event) => onChange(event.target.value)}
      />
      <div>
        <input
          ref={input}
          type="file"
          hidden
          aria-label={`${label}, from a file`}
          onChange={(event) => {
            void read(event.target.files?.[0])
            event.target.value = ''
          }}
        />
        <Button size="sm" onClick={() => input.current?.click()}>
          <FileUp /> Choose a file
        </Button>
      </div>
    </Field>
  )
}
