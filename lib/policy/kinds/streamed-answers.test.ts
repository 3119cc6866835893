import { describe, expect, test } from 'vitest'
import { answerStream, bytesOf, dataFrame, framesOf, rulesFor, runStream } from '../stream/testing'
import { FINANCIAL_COMPLIANCE } from './financial-compliance'
import { policyFor } from './testing'
import { UPL_FILTER } from './upl-filter'

const frame = (content: string, finish: string | null = null) =>
  dataFrame({
    id: 'chatcmpl-1',
    object: 'chat.completion.chunk',
    model: 'm',
    choices: [{ index: 0, delta: finish ? {} : { content }, finish_reason: finish }],
  })

const streamOf = (pieces: readonly string[]) => [
  ...pieces.map((piece) => frame(piece)),
  frame('', 'stop'),
  bytesOf('data: [DONE]\n\n'),
]

describe('a streamed answer', () => {
  const disclaimer = 'This is not financial advice.'
  const rules = rulesFor([
    policyFor(FINANCIAL_COMPLIANCE, { required_disclaimers: [disclaimer] }),
    policyFor(UPL_FILTER, { rewrite_to_educational: true, require_disclaimer: false }),
  ])
  const read = async (pieces: readonly string[]) => {
    const { all } = await runStream(answerStream('openai_chat', rules), streamOf(pieces))
    return framesOf(bytesOf(all))
      .flatMap(({ json }) => json?.choices ?? [])
      .map(({ delta }: { delta: { content?: string } }) => delta.content ?? '')
      .join('')
  }

  test('gets its disclaimer at the end, once', async () => {
    expect(await read(['An index ', 'fund.'])).toBe(`An index fund.\n\n${disclaimer}`)
    expect(await read(['An index fund. This is not ', 'financial advice.'])).toBe(`An index fund. ${disclaimer}`)
  })

  test('shows nothing of what is stopped', async () => {
    expect(await read(['It is fine. This offers guaran', 'teed returns.'])).toBe('')
  })

  test('shows nothing of a sentence that is replaced', async () => {
    const text = await read(['Courts are slow. You sho', 'uld sue now. Bye.'])
    expect(text).toMatch(/^Courts are slow\. What applies .* Bye\.\n\nThis is not financial advice\.$/)
    expect(text).not.toContain('sue')
  })
})
