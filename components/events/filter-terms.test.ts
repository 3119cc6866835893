import { describe, expect, test } from 'vitest'
import { onlyValueOf, readFilter, withoutVerdictTab, withValue } from './filter-terms'

const terms = (text: string) => readFilter(text).terms

describe('a filter in the URL', () => {
  test('that cannot be read says where, and breaks nothing', () => {
    expect(readFilter('vrdict=block')).toMatchObject({ terms: [], error: { code: 'invalid_filter' } })
    expect(readFilter('').error).toBeUndefined()
  })

  test('takes a picked value in place of the one before and keeps the rest', () => {
    expect(withValue(terms('verdict=allow model~gpt latency_ms>5'), 'verdict', 'block')).toBe(
      'model~gpt latency_ms>5 verdict=block',
    )
    expect(withValue(terms('verdict=allow model~gpt'), 'verdict', null)).toBe('model~gpt')
    expect(withValue([], 'token_name', 'finance "bot"')).toBe('token_name="finance \\"bot\\""')
  })

  test('names one value or none: alternatives and exclusions are neither', () => {
    expect(onlyValueOf(terms('verdict=block'), 'verdict')).toBe('block')
    expect(onlyValueOf(terms('verdict=block,redact'), 'verdict')).toBeNull()
    expect(onlyValueOf(terms('verdict!=block'), 'verdict')).toBeNull()
  })

  test('is counted without the verdict that a tab set, and with one that was typed as alternatives', () => {
    expect(withoutVerdictTab(terms('verdict=block model=a'))).toBe('model=a')
    expect(withoutVerdictTab(terms('verdict=block,redact model=a'))).toBe('verdict=block,redact model=a')
  })
})
