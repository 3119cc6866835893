/** What the first bytes of a file say it is; null when they say nothing. */
export function typeBySignature(bytes: string): string | null {
  return SIGNATURES.find(({ start }) => bytes.startsWith(start))?.type ?? null
}

/** Zip is also what Office and OpenDocument files are made of. */
const SIGNATURES = [
  { start: '%PDF-', type: 'application/pdf' },
  { start: 'PK\x03\x04', type: 'application/zip' },
  { start: '\xd0\xcf\x11\xe0', type: 'application/x-ole-storage' },
  { start: '\x89PNG', type: 'image/png' },
  { start: '\xff\xd8\xff', type: 'image/jpeg' },
  { start: 'GIF8', type: 'image/gif' },
  { start: 'MZ', type: 'application/x-msdownload' },
  { start: '\x7fELF', type: 'application/x-executable' },
  { start: '\x1f\x8b', type: 'application/gzip' },
]

/** Whether a file of a declared type may begin as it does. What has no signature is believed. */
export function fitsSignature(type: string, signature: string | null): boolean {
  if (signature === null) return !['application/pdf', 'image/png', 'image/jpeg', 'image/gif'].includes(type)
  if (signature === 'application/zip') return /zip|officedocument|opendocument|epub|java-archive/.test(type)
  if (signature === 'application/x-ole-storage') return /^application\/(?:vnd\.ms-|msword|x-ole)/.test(type)
  return type === signature || type === 'application/octet-stream'
}

export const isTextType = (type: string): boolean =>
  /^text\/|[/+](?:json|xml|yaml|x-yaml|csv|javascript|xhtml|svg)$|\+xml$|\+json$/.test(type)

export function textOfBytes(bytes: string): string {
  return new TextDecoder().decode(Uint8Array.from(bytes, (character) => character.charCodeAt(0)))
}

const TYPES_BY_EXTENSION: Readonly<Record<string, string>> = {
  pdf: 'application/pdf',
  txt: 'text/plain',
  md: 'text/markdown',
  csv: 'text/csv',
  html: 'text/html',
  json: 'application/json',
  xml: 'application/xml',
  doc: 'application/msword',
  docx: 'application/vnd.openxmlformats-officedocument.wordprocessingml.document',
  xls: 'application/vnd.ms-excel',
  xlsx: 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet',
  pptx: 'application/vnd.openxmlformats-officedocument.presentationml.presentation',
  zip: 'application/zip',
}

export function typeByName(name: string | null): string | null {
  const extension = name?.split('.').at(-1)?.toLowerCase() ?? ''
  return Object.hasOwn(TYPES_BY_EXTENSION, extension) ? (TYPES_BY_EXTENSION[extension] ?? null) : null
}
