import { useMemo } from 'react'
import { ScrollRegion } from '@/components/ui/scroll-region'
import { bytesText } from './event-words'
import { visibleText } from './visible-text'

/** More than this is not drawn at once; the whole is one click away in the API. */
const SHOWN_BYTES_MAX = 200_000

type RevealedBytesProps = { title: string; base64: string | null }

/** Recorded bytes as text; what cannot be seen is written out and stands apart by its look. */
export function RevealedBytes({ title, base64 }: RevealedBytesProps) {
  const bytes = useMemo(() => (base64 === null ? null : bytesOf(base64)), [base64])
  const parts = useMemo(() => bytes && placed(visibleText(bytes.subarray(0, SHOWN_BYTES_MAX))), [bytes])
  return (
    <div className="flex flex-col gap-1">
      <h4 className="text-fg-muted text-xs">
        {title}
        {bytes && `, ${bytesText(bytes.length)}`}
      </h4>
      {parts ? (
        <ScrollRegion aria-label={`${title} content`} className="max-h-96 bg-sunken">
          <pre className="whitespace-pre-wrap break-all p-3 font-mono text-xs">
            {parts.map(({ at, text, isEscape }) =>
              isEscape ? (
                <mark key={at} className="rounded-md bg-attention-soft text-attention-text">
                  {text}
                </mark>
              ) : (
                text
              ),
            )}
          </pre>
        </ScrollRegion>
      ) : (
        <p className="text-fg-muted text-sm">Nothing was recorded.</p>
      )}
      {bytes && bytes.length > SHOWN_BYTES_MAX && (
        <p className="text-fg-muted text-xs">Shown: the first {bytesText(SHOWN_BYTES_MAX)}. The API gives the rest.</p>
      )}
    </div>
  )
}

const bytesOf = (base64: string) => Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0))

function placed(parts: ReturnType<typeof visibleText>) {
  let at = 0
  return parts.map((part) => {
    const here = { ...part, at }
    at += part.text.length
    return here
  })
}
