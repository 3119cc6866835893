import { z } from 'zod'
import { bytesOfBase64 } from '@/lib/policy/engine/coded-text'
import { compilePattern } from '@/lib/policy/engine/pattern'
import { CLEAN, type Finding, type PolicyKind, type Skipped, type View } from '@/lib/policy/engine/policy'
import type { Part } from '@/lib/policy/engine/subject'
import { placeOf } from '@/lib/policy/engine/view'
import { fitsSignature, isTextType, textOfBytes, typeByName, typeBySignature } from './document-content'
import { actOn, finding } from './mechanisms/finding'
import { type PatternSearch, patternSearch } from './mechanisms/pattern-search'
import { onError } from './mechanisms/setting-shapes'

const mimeType = z
  .string()
  .trim()
  .toLowerCase()
  .regex(/^[\w.+-]{1,60}\/(?:\*|[\w.+-]{1,100})$/, 'must be a media type such as application/pdf or text/*')

const Settings = z.strictObject({
  enabled: z.boolean().default(true),
  /** Blocks documents with active content: scripts, macros, actions of a PDF. In texts such code is cut out. */
  sanitize_code: z.boolean().default(false),
  max_document_bytes: z.number().int().min(1).max(1_073_741_824).default(524_288),
  /** Such as `application/pdf` or `text/*`; all when empty. */
  allowed_mime_types: z.array(mimeType).max(200).default([]),
  on_error: onError,
})
type Settings = z.infer<typeof Settings>

/** What runs when a document is opened or shown. */
const ACTIVE = [
  // One that is never closed runs to the end.
  { rule: 'document.script', source: String.raw`(?s:<script\b.*?(?:</script\s*>|\z))` },
  { rule: 'document.script_url', source: String.raw`\b(?:javascript|vbscript)\s*:\s*[a-z(]` },
  {
    rule: 'document.event_handler',
    source: String.raw`<[a-z][^<>]*\son(?:load|error|click|mouseover)\s*=\s*["'][^"'<>]+["']`,
  },
  { rule: 'document.macro', source: String.raw`\bSub\s+(?:Auto_?Open|AutoExec|Document_Open|Workbook_Open)\b` },
  { rule: 'document.formula', source: String.raw`(?m:^|[,;"])[=+@-](?:cmd|powershell|mshta|rundll32)\s?\|` },
]

/** PDF names that run something (ISO 32000-1, 12.6), and the parts in which Office files keep macros. */
const ACTIVE_BINARY = /\/JavaScript\b|\/JS[\s(]|\/OpenAction\b|\/Launch\b|\/EmbeddedFile\b|vbaProject\.bin|_VBA_PROJECT/

/** Looks at attached documents: type, size, and what in them would run. */
export const DOCUMENT_ANALYZER: PolicyKind<Settings> = {
  kind: 'document-analyzer',
  version: '1',
  summary: 'Checks attached documents: media type, size, and active content.',
  phases: ['input'],
  settings: Settings,
  needsBlock: false,
  compile(settings) {
    const active = ACTIVE.map(({ rule, source }) => ({ rule, pattern: compilePattern(source, { ignoreCase: true }) }))
    const search = patternSearch(ACTIVE)
    return {
      kind: 'document-analyzer',
      version: '1',
      phases: settings.enabled ? ['input'] : [],
      terms: [],
      onError: settings.on_error,
      streaming: 'buffered',
      explain: explain(settings),
      bytesMax: 4_194_304,
      check(view) {
        const skipped: Skipped[] = []
        for (const part of view.subject.parts) {
          if (part.kind !== 'file') continue
          const refused = refusal(settings, part, (text) => active.some(({ pattern }) => pattern.test(text)), skipped)
          if (refused) return finding({ verdict: 'block', ...refused, skipped })
        }
        return { ...(settings.sanitize_code ? cleaned(view, search) : CLEAN), skipped }
      },
    }
  },
}

type Refusal = { reasonCode: string; message: string }

/** Null when the document may pass. What could not be looked at is added to `skipped`. */
function refusal(
  settings: Settings,
  part: Part,
  isActive: (text: string) => boolean,
  skipped: Skipped[],
): Refusal | null {
  const what = placeOf(part)
  const { media } = part
  const type = (media?.type ?? typeByName(media?.name ?? null))?.toLowerCase() ?? null
  if (
    settings.allowed_mime_types.length > 0 &&
    !settings.allowed_mime_types.some((allowed) => accepts(allowed, type))
  ) {
    return { reasonCode: 'document.type_not_allowed', message: 'A document of this type may not be sent.' }
  }
  const bytes = media?.bytes ?? null
  if (bytes !== null && bytes > settings.max_document_bytes) {
    const message = `A document may have at most ${settings.max_document_bytes} bytes.`
    return { reasonCode: 'document.too_large', message }
  }
  if (bytes === null) skipped.push({ what, why: 'its size is not in the request' })
  const content = typeof media?.data === 'string' ? bytesOfBase64(media.data) : null
  if (content === null) {
    skipped.push({
      what,
      why: media?.data === undefined ? 'its content is not in the request' : 'its content is no base64',
    })
    return null
  }
  if (type !== null && !fitsSignature(type, typeBySignature(content))) {
    return { reasonCode: 'document.type_mismatch', message: 'A document is not what its type says.' }
  }
  if (!settings.sanitize_code) return null
  const runs = type !== null && isTextType(type) ? isActive(textOfBytes(content)) : ACTIVE_BINARY.test(content)
  return runs ? { reasonCode: 'document.active_content', message: 'A document contains code that would run.' } : null
}

function accepts(allowed: string, type: string | null): boolean {
  if (type === null) return false
  return allowed.endsWith('/*') ? type.startsWith(allowed.slice(0, -1)) : type === allowed
}

/** Documents that tools fetched arrive as text, in which code can be cut out. */
function cleaned(view: View, search: PatternSearch): Finding {
  const detections = view
    .readable()
    .flatMap(({ kind, index }) => (kind === 'tool_result' ? search.findIn(view, index) : []))
  return actOn(detections, {
    action: 'redact',
    reasonCode: 'document.code_removed',
    message: 'Code was removed from a document.',
    replacement: '[code removed]',
  })
}

const explain = (settings: Settings) =>
  settings.enabled
    ? [
        `Documents have at most ${settings.max_document_bytes} bytes${settings.allowed_mime_types.length > 0 ? ` and one of the types ${settings.allowed_mime_types.join(', ')}` : ''}.`,
        ...(settings.sanitize_code
          ? ['Documents with scripts, macros or PDF actions are blocked; in the results of tools such code is cut out.']
          : []),
        'Compressed streams inside PDF and Office files are not unpacked.',
      ]
    : ['Switched off.']
