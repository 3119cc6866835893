import { Badge } from '@/components/ui/badge'
import { ERROR_STATUS, isErrorCode } from '@/lib/errors'
import { ERROR_WORDS } from './error-words'
import { RichWords } from './rich-words'

const CODES = Object.keys(ERROR_STATUS).filter(isErrorCode)

/** Every error of the control plane. The `type` of a problem document links to the `id` of its row here. */
export function ErrorList() {
  return (
    <ul className="divide-y rounded-md border bg-surface">
      {CODES.map((code) => (
        <li
          key={code}
          id={code}
          className="grid scroll-mt-16 gap-x-4 gap-y-1 p-3 text-sm target:bg-selected md:grid-cols-[15rem_1fr]"
        >
          <p className="flex flex-wrap items-center gap-2">
            <a href={`#${code}`} className="break-all font-mono text-xs underline-offset-4 hover:underline">
              {code}
            </a>
            <Badge tone="outline">{ERROR_STATUS[code]}</Badge>
          </p>
          <div className="min-w-0">
            <p>
              <RichWords text={ERROR_WORDS[code].cause} />
            </p>
            <p className="text-fg-muted">
              <RichWords text={ERROR_WORDS[code].check} />
            </p>
          </div>
        </li>
      ))}
    </ul>
  )
}
