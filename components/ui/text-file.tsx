'use client'

import { FileUp } from 'lucide-react'
import { useRef, useState } from 'react'
import { Button } from './button'
import { describedBy, Field } from './field'
import { fieldClasses } from './input'

type TextFileProps = {
  id: string
  label: string
  hint?: string
  /** As `accept` of a file input, such as `.csv,text/csv`. */
  accept: string
  text: string
  error?: string | undefined
  onText: (text: string, fileName: string | null) => void
}

/** Characters of a long text that are worth drawing: a text field with a whole invoice would hold up the page. */
const SHOWN_MAX = 20_000

/** @throws TypeError when they are in another encoding, as spreadsheets save them */
const textOfBytes = (bytes: ArrayBuffer): string => new TextDecoder('utf-8', { fatal: true }).decode(bytes)

/** A text that is pasted, or read from a file on the viewer's own machine. */
export function TextFile({ id, label, hint, accept, text, error, onText }: TextFileProps) {
  const file = useRef<HTMLInputElement>(null)
  const [unread, setUnread] = useState<string>()
  const read = async (chosen: File | undefined) => {
    if (!chosen) return
    try {
      onText(textOfBytes(await chosen.arrayBuffer()), chosen.name)
      setUnread(undefined)
    } catch (error) {
      setUnread(
        error instanceof TypeError
          ? `${chosen.name} is not UTF-8 text: names in it would be others. Save it as UTF-8, or paste its text.`
          : `${chosen.name} could not be read. Choose it again, or paste its text.`,
      )
    }
  }
  const isLong = text.length > SHOWN_MAX
  return (
    <Field id={id} label={label} hint={hint} error={unread ?? error}>
      <textarea
        {...describedBy(id, unread ?? error)}
        className={`${fieldClasses} h-32 p-2.5 font-mono text-xs`}
        spellCheck={false}
        autoComplete="off"
        readOnly={isLong}
        value={isLong ? `${text.slice(0, SHOWN_MAX)}…` : text}
        onChange={(event) => onText(event.target.value, null)}
      />
      <div className="flex items-center gap-3">
        <input
          ref={file}
          type="file"
          accept={accept}
          tabIndex={-1}
          aria-hidden="true"
          className="hidden"
          onChange={(event) => {
            void read(event.target.files?.[0])
            // The same file can be chosen again after it was changed.
            event.target.value = ''
          }}
        />
        <Button size="sm" onClick={() => file.current?.click()}>
          <FileUp /> Choose a file
        </Button>
        {text !== '' && (
          <>
            <span className="text-fg-muted text-xs tabular-nums">{text.length.toLocaleString('en')} characters</span>
            <Button size="sm" variant="ghost" onClick={() => onText('', null)}>
              Take it away
            </Button>
          </>
        )}
      </div>
    </Field>
  )
}
