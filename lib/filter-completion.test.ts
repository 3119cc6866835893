import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { EVENT_FILTER_FIELDS } from './contract/events'
import { parseFilter } from './filter'
import { completeFilter, EVENT_FILTER_CHOICES } from './filter-completion'

const FACETS = { ...EVENT_FILTER_CHOICES, model: ['gpt-5', 'my model, old', 'claude'], agent_id: ['', 'agent-a'] }
/** Completes at `|`. */
const at = (marked: string) => {
  const caret = marked.indexOf('|')
  const text = marked.replace('|', '')
  const { start, end, kind, options } = completeFilter(text, caret, EVENT_FILTER_FIELDS, FACETS)
  return { kind, options, written: options.map((option) => text.slice(0, start) + option + text.slice(end)) }
}

describe('completing a filter', () => {
  test.each([
    ['verd|', 'field', ['verdict=']],
    ['verdict=block tok|', 'field', ['token_id=', 'token_name=', 'tokens_total=']],
    ['status_code|', 'operator', ['status_code=', 'status_code!=', 'status_code>', 'status_code<']],
    ['verdict!|', 'operator', ['verdict!=']],
    ['verdict=b|', 'value', ['block']],
    ['verdict=allow,|', 'value', ['allow', 'redact', 'block', 'escalate']],
    ['model="my m|', 'value', ['"my model, old"']],
    ['model~g|', 'value', ['gpt-5']],
    ['agent_id=|', 'value', ['""', 'agent-a']],
    ['agent_id~|', 'value', ['agent-a']],
    ['stream=|', 'value', ['true', 'false']],
    ['latency_ms>|', 'value', []],
    ['verdict=b| model=x', 'value', ['block']],
    ['zzz|', 'field', []],
  ])('%s offers a %s', (text, kind, options) => {
    expect(at(text)).toMatchObject({ kind, options })
  })

  test('without a word it offers every field', () => {
    expect(at('verdict=block |').options).toHaveLength(20)
  })

  test('what is offered for a value reads as a filter wherever the text around it does', () => {
    for (const text of ['verdict=b|', 'verdict=allow,| stream=true', 'model="my m|', 'agent_id=|']) {
      for (const written of at(text).written) expect(parseFilter(written).length).toBeGreaterThan(0)
    }
  })

  test('any text at any caret is answered, within the text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 60 }), fc.nat(60), (text, place) => {
        const caret = Math.min(place, text.length)
        const { start, end } = completeFilter(text, caret, EVENT_FILTER_FIELDS, FACETS)
        expect(0 <= start && start <= end && end === caret).toBe(true)
      }),
    )
  })
})
