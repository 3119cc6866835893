export type CitationType = 'academic' | 'url' | 'quote'
export type Citation = { type: CitationType; value: string; start: number; end: number }

/** More citations than this are not looked at; an answer with that many is no prose. */
export const CITATIONS_MAX = 200

const URL_TEXT = /\bhttps?:\/\/[^\s<>"'`\])}]{3,500}/gi
const DOI = /\b10\.\d{4,9}\/[^\s<>"'`\])},;]{1,200}/gi
const ARXIV = /\barXiv:\s?\d{4}\.\d{4,5}/gi
/** (Smith, 2020), (Smith & Jones, 2020), (Smith et al., 2020a), Smith et al. (2020) */
const AUTHOR_YEAR =
  /\b\p{Lu}[\p{L}'-]{1,40}(?: (?:et al\.?|(?:and|&) \p{Lu}[\p{L}'-]{1,40}))?,? \(?(?:19|20)\d{2}[a-z]?\)/gu
const QUOTE = /"([^"\n]{20,1000})"|“([^“”\n]{20,1000})”|«([^«»\n]{20,1000})»/g

/** Fewer words than this are a phrase anybody may use, not a quotation. */
const QUOTE_WORDS_MIN = 5

/** What an answer refers to, in the order of the text. */
export function citationsIn(text: string, types: readonly CitationType[]): Citation[] {
  const found: Citation[] = []
  const add = (type: CitationType, pattern: RegExp, accept: (value: string) => boolean = () => true) => {
    for (const match of text.matchAll(pattern)) {
      const value = type === 'url' ? withoutPunctuation(match[0]) : (match[1] ?? match[2] ?? match[3] ?? match[0])
      if (accept(value)) found.push({ type, value, start: match.index, end: match.index + match[0].length })
      if (found.length >= CITATIONS_MAX) return
    }
  }
  if (types.includes('url')) add('url', URL_TEXT)
  if (types.includes('academic')) for (const pattern of [DOI, ARXIV, AUTHOR_YEAR]) add('academic', pattern)
  if (types.includes('quote')) add('quote', QUOTE, (value) => wordsIn(value).length >= QUOTE_WORDS_MIN)
  return found.sort((a, b) => a.start - b.start).slice(0, CITATIONS_MAX)
}

export type SourceIndex = { has(citation: Citation): boolean; isEmpty: boolean; words: ReadonlySet<string> }

const SHINGLE_WORDS = 4
/** Part of a quotation's word groups that must stand in a source: room for an ellipsis or a changed word. */
const QUOTE_SHARE_MIN = 0.8

/** What the sources say, indexed once, so that looking up a citation takes time by its own length only. */
export function indexSources(texts: readonly string[]): SourceIndex {
  const urls = new Set<string>()
  const identifiers = new Set<string>()
  const shingles = new Set<string>()
  const words = new Set<string>()
  for (const text of texts) {
    for (const { type, value } of citationsIn(text, ['url', 'academic'])) {
      if (type === 'url') urls.add(canonicalUrl(value))
      else identifiers.add(canonicalReference(value))
    }
    const sequence = wordsIn(text)
    for (const [index, word] of sequence.entries()) {
      words.add(word)
      if (index + SHINGLE_WORDS <= sequence.length) shingles.add(sequence.slice(index, index + SHINGLE_WORDS).join(' '))
    }
  }
  return {
    isEmpty: words.size === 0,
    words,
    has({ type, value }) {
      if (type === 'url') return urls.has(canonicalUrl(value))
      if (type === 'academic') return identifiers.has(canonicalReference(value)) || namesAuthorAndYear(value, words)
      const sequence = wordsIn(value)
      const groups = Array.from({ length: sequence.length - SHINGLE_WORDS + 1 }, (_, index) =>
        sequence.slice(index, index + SHINGLE_WORDS).join(' '),
      )
      return groups.filter((group) => shingles.has(group)).length >= QUOTE_SHARE_MIN * groups.length
    },
  }
}

/**
 * How much of an answer is in its sources: the share of its distinct longer words that occur in them, 0 to 1.
 *
 * Lexical overlap, not understanding: a false sentence made of the sources' words counts as grounded, a true paraphrase
 * does not.
 */
export function groundedness(answer: string, sources: SourceIndex): number {
  const words = new Set(wordsIn(answer).filter((word) => word.length >= 4))
  if (words.size === 0) return 1
  return [...words].filter((word) => sources.words.has(word)).length / words.size
}

const wordsIn = (text: string): string[] => text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? []

const withoutPunctuation = (url: string) => url.replace(/[.,;:!?*_]+$/, '')

function canonicalUrl(text: string): string {
  if (!URL.canParse(text)) return text.toLowerCase()
  const url = new URL(text)
  return `${url.host.replace(/^www\./, '')}${url.pathname.replace(/\/$/, '')}${url.search}`
}

const canonicalReference = (text: string) => wordsIn(text).join(' ')

/** For author and year; identifiers contain a slash or a colon. */
function namesAuthorAndYear(value: string, words: ReadonlySet<string>): boolean {
  if (/[/:]/.test(value)) return false
  const parts = wordsIn(value).filter((word) => !['et', 'al', 'and'].includes(word))
  return parts.length >= 2 && parts.every((part) => words.has(part))
}
