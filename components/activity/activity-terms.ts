import type { ActivitySelection } from './activity-queries'

const FIELDS = ['action', 'actor_id', 'target_id'] as const
export type ActivityField = (typeof FIELDS)[number]
export type ActivityTerms = Partial<Record<ActivityField, string>>

/** The prefixes that the filter field offers. */
export const ACTIVITY_COMPLETIONS = FIELDS.map((field) => `${field}=`)

/** Longest value of each field that the API takes. */
const LENGTH_MAX: Record<ActivityField, number> = { action: 80, actor_id: 64, target_id: 200 }

/** `action=token.revoked actor_id=usr_…` as the API's input, or why it is none. Names and actions have no spaces. */
export function readActivityTerms(text: string): { terms: ActivityTerms; error: string | undefined } {
  const terms: ActivityTerms = {}
  for (const word of text.split(/[\s&]+/).filter(Boolean)) {
    const [name, ...rest] = word.split('=')
    const value = rest.join('=')
    const field = FIELDS.find((known) => known === name)
    if (!field)
      return { terms: {}, error: `Activity is filtered by ${FIELDS.join(', ')}, each with =, not by "${word}".` }
    if (value === '') return { terms: {}, error: `Expected a value after "${field}=".` }
    if (value.length > LENGTH_MAX[field])
      return { terms: {}, error: `"${field}" has at most ${LENGTH_MAX[field]} characters.` }
    if (terms[field] !== undefined) return { terms: {}, error: `"${field}" can be given once.` }
    terms[field] = value
  }
  return { terms, error: undefined }
}

export const printActivityTerms = (terms: ActivityTerms): string =>
  FIELDS.flatMap((field) => (terms[field] === undefined ? [] : `${field}=${terms[field]}`)).join(' ')

export const toSelection = (terms: ActivityTerms, since: string, until: string | undefined): ActivitySelection => ({
  since,
  until,
  ...terms,
})
