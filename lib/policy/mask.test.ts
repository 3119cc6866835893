import { assert, jsonValue, property, string } from 'fast-check'
import { describe, expect, test } from 'vitest'
import { maskJson, Unmaskable } from './mask'

describe('a masked document', () => {
  test.each([
    ['a text', { messages: [{ content: 'I am ana@example.com' }] }, { messages: [{ content: 'I am [EMAIL]' }] }],
    ['a field that nobody knows', { x_own: { deep: ['ana@example.com'] } }, { x_own: { deep: ['[EMAIL]'] } }],
    ['a number', { card: 4111111111111111 }, { card: '[CREDIT_CARD]' }],
    ['a name of a field', { 'ana@example.com': 1 }, { '[EMAIL]': 1 }],
    ['JSON in a text', { arguments: '{"to":"ana@example.com"}' }, { arguments: '{"to":"[EMAIL]"}' }],
    ['hidden by escapes in JSON in a text', { arguments: '["ana\\u0040example.com"]' }, { arguments: '["[EMAIL]"]' }],
    [
      'probabilities of pieces',
      { choices: [{ logprobs: { content: [{ token: 'ana' }] } }] },
      { choices: [{ logprobs: null }] },
    ],
    ['a picture', { url: `data:image/png;base64,${'QUJD'.repeat(99)}` }, { url: '[image/png, 418 characters]' }],
    ['bytes', { data: 'QUJD'.repeat(99) }, { data: '[base64, 396 characters]' }],
    ['tokens', { input: [1, 2, 3, 4, 5, 6, 7, 8] }, { input: '[8 numbers]' }],
  ])('has nothing in it of %s', (_, document, masked) => {
    expect(maskJson(document)).toEqual(masked)
  })

  test('knows by its name what a value is', () => {
    expect(maskJson({ password: 'hunter2!x9', ssn: '536-90-4399' })).toEqual({
      password: expect.stringMatching(/^\[/),
      ssn: expect.stringMatching(/^\[/),
    })
  })

  test('is the same document where there is nothing to mask', () => {
    const document = {
      model: 'gpt-5.4-mini',
      messages: [{ role: 'user', content: 'What is the capital of France?', n: 7, f: 0.25, t: true, z: null }],
      arguments: '{ "city": "Paris" }',
    }
    expect(maskJson(document)).toEqual(document)
  })

  test('keeps the structure, whatever the document', () => {
    const shapeOf = (value: unknown): unknown =>
      Array.isArray(value)
        ? value.map(shapeOf)
        : typeof value === 'object' && value !== null
          ? Object.values(value).map(shapeOf)
          : null
    assert(
      property(jsonValue({ maxDepth: 4 }), (document) => {
        const flat = JSON.stringify(document)
        // Vectors become a text.
        if (!/\[(-?[\d.e+-]+,){7}/.test(flat)) expect(shapeOf(maskJson(document))).toEqual(shapeOf(document))
      }),
    )
  })

  test('never lets an address through that stands alone in a text', () => {
    assert(
      property(string(), string(), (before, after) => {
        expect(JSON.stringify(maskJson([`${before} ana@example.com ${after}`]))).not.toContain('ana@example.com')
      }),
    )
  })

  test('is refused when there is too much in it', () => {
    const deep = (levels: number): unknown => (levels === 0 ? 'x' : [deep(levels - 1)])
    expect(() => maskJson(deep(65))).toThrow(Unmaskable)
    expect(() => maskJson(Array.from({ length: 20_001 }, () => 'x'))).toThrow(Unmaskable)
  })
})
