import { describe, expect, test } from 'vitest'
import { answerStream, dataFrame, rulesFor, runStream, termPolicy } from '../stream/testing'
import { walkGeminiAnswer, walkGeminiRequest } from './gemini-content'
import { walkGeminiEmbeddings } from './gemini-embeddings'
import { withJoinedTexts } from './gemini-texts'
import type { Walked } from './walked'

const linesOf = ({ parts }: Walked) => parts.map(({ text }) => text).join('\n')
const asked = (part: object) => ({ contents: [{ role: 'user', parts: [part] }] })
const declared = (fields: object) => ({ tools: [{ functionDeclarations: [{ name: 'f', ...fields }] }] })
const answered = (part: object, more: object = {}) => ({ candidates: [{ content: { parts: [part] }, ...more }] })

describe('what Google or a client of its API may read is looked through, whatever it is called', () => {
  test.each<[string, object]>([
    ['a text', asked({ text: 'HIDDEN' })],
    ['a text that is none', asked({ text: ['HIDDEN'] })],
    ['a part that is a text', { contents: [{ parts: ['HIDDEN'] }] }],
    ['parts that are no list', { contents: [{ parts: { text: 'HIDDEN' } }] }],
    ['contents that are no list', { contents: { parts: [{ text: 'HIDDEN' }] } }],
    ['a content that is a text', { contents: ['HIDDEN'] }],
    ['beside parts', { contents: [{ parts: [], Parts: 'HIDDEN' }] }],
    ['a role that is none', { contents: [{ role: 'the HIDDEN one\nHIDDEN', parts: [] }] }],
    ['a system prompt', { systemInstruction: { parts: [{ text: 'HIDDEN' }] } }],
    ['a system prompt in the other spelling', { system_instruction: { parts: [{ text: 'HIDDEN' }] } }],
    ['a system prompt that is a text', { systemInstruction: 'HIDDEN' }],
    ['a thought', asked({ text: 'HIDDEN', thought: true })],
    ['a thought that is a text', asked({ thought: 'HIDDEN' })],
    ['a signature that is none', asked({ thoughtSignature: 'not one\nHIDDEN' })],
    ['arguments', asked({ functionCall: { name: 'f', args: { a: 'HIDDEN' } } })],
    ['a key of arguments', asked({ function_call: { name: 'f', args: { HIDDEN: 1 } } })],
    ['the name of a call', asked({ functionCall: { name: 'HIDDEN' } })],
    ['beside arguments', asked({ functionCall: { name: 'f', Args: 'HIDDEN' } })],
    ['a call that is a text', asked({ functionCall: 'HIDDEN' })],
    ['a result', asked({ functionResponse: { name: 'f', response: { a: ['HIDDEN'] } } })],
    ['parts of a result', asked({ functionResponse: { name: 'f', parts: [{ text: 'HIDDEN' }] } })],
    ['beside a result', asked({ functionResponse: { name: 'f', note: 'HIDDEN' } })],
    ['code', asked({ executableCode: { language: 'PYTHON', code: 'HIDDEN' } })],
    ['what code printed', asked({ code_execution_result: { outcome: 'OUTCOME_OK', output: 'HIDDEN' } })],
    ['a file of text', asked({ inlineData: { mimeType: 'text/plain', data: btoa('HIDDEN') } })],
    ['a file of text in the other spelling', asked({ inline_data: { mime_type: 'text/plain', data: btoa('HIDDEN') } })],
    ['an address in both spellings', asked({ fileData: { fileUri: 'HIDDEN', file_uri: 'x' } })],
    [
      'a file whose type is there twice',
      asked({ inlineData: { mime_type: 'text/plain', mimeType: 'image/png', data: btoa('HIDDEN') } }),
    ],
    ['the name of a file', asked({ inlineData: { mimeType: 'image/png', data: 'QQ==', displayName: 'HIDDEN' } })],
    ['an address', asked({ fileData: { mimeType: 'image/png', fileUri: 'https://x.example/a\nHIDDEN' } })],
    ['a type that is none', asked({ fileData: { mimeType: 'a b\nHIDDEN', fileUri: 'x' } })],
    ['what is not known', asked({ somethingNew: { deep: ['HIDDEN'] } })],
    ['the description of a tool', declared({ description: 'HIDDEN' })],
    ['a schema', declared({ parameters: { type: 'OBJECT', properties: { a: { description: 'HIDDEN' } } } })],
    ['a schema in the other spelling', declared({ parameters_json_schema: { properties: { HIDDEN: {} } } })],
    ['a schema of results', declared({ response: { description: 'HIDDEN' } })],
    ['beside a tool', declared({ note: 'HIDDEN' })],
    ["a tool of Google's", { tools: [{ googleSearch: { excludeDomains: ['HIDDEN'] } }] }],
    ['tools that are no list', { tools: 'HIDDEN' }],
    ['a tool that may be called', { toolConfig: { functionCallingConfig: { allowedFunctionNames: ['HIDDEN'] } } }],
    ['beside a setting of tools', { tool_config: { note: 'HIDDEN' } }],
    ['where an answer stops', { generationConfig: { stopSequences: ['HIDDEN'] } }],
    ['the schema of an answer', { generation_config: { response_schema: { enum: ['HIDDEN'] } } }],
    ['what no setting is', { generationConfig: { note: 'HIDDEN' } }],
    ['a type of answer that is none', { generationConfig: { responseMimeType: 'a b\nHIDDEN' } }],
    ['a setting of safety that is none', { safetySettings: [{ category: 'X', note: 'HIDDEN' }] }],
    ['labels', { labels: { a: 'HIDDEN' } }],
    ['a model that is none', { model: ['HIDDEN'] }],
  ])('(%s)', (_, body) => {
    expect(linesOf(walkGeminiRequest(body))).toMatch(/^HIDDEN$/m)
  })

  test.each<[string, object]>([
    ['a content', { content: { parts: [{ text: 'HIDDEN' }] } }],
    ['one of many', { requests: [{ content: { parts: [{ text: 'HIDDEN' }] } }] }],
    ['a content that is a text', { content: 'HIDDEN' }],
    ['a title', { content: { parts: [] }, title: 'HIDDEN' }],
    ['what is not known', { requests: [{ note: { a: 'HIDDEN' } }] }],
    ['requests that are no list', { requests: 'HIDDEN' }],
  ])('(to embed: %s)', (_, body) => {
    expect(linesOf(walkGeminiEmbeddings(body))).toMatch(/^HIDDEN$/m)
  })

  test.each<[string, object]>([
    ['a text', answered({ text: 'HIDDEN' })],
    [
      'a text of the second answer',
      { candidates: [{ content: { parts: [] } }, answered({ text: 'HIDDEN' }).candidates[0]] },
    ],
    ['a thought', answered({ text: 'HIDDEN', thought: true })],
    ['beside arguments', answered({ functionCall: { name: 'f', args: {}, note: 'HIDDEN' } })],
    ['code', answered({ executableCode: { language: 'PYTHON', code: 'HIDDEN' } })],
    ['what code printed', answered({ codeExecutionResult: { outcome: 'OUTCOME_OK', output: 'HIDDEN' } })],
    ['beside a text', answered({ text: 'a', Text: 'HIDDEN' })],
    ['a citation', answered({ text: 'a' }, { citationMetadata: { citationSources: [{ title: 'HIDDEN' }] } })],
    ['what was looked up', answered({ text: 'a' }, { groundingMetadata: { webSearchQueries: ['HIDDEN'] } })],
    ['why it ended', answered({ text: 'a' }, { finishReason: 'SAFETY', finishMessage: 'HIDDEN' })],
    ['beside the answers', { ...answered({ text: 'a' }), note: 'HIDDEN' }],
    ['beside the parts', { candidates: [{ content: { parts: [], note: 'HIDDEN' } }] }],
  ])('(in an answer, whole or streamed: %s)', async (_, answer) => {
    expect(linesOf(walkGeminiAnswer(answer))).toMatch(/^HIDDEN$/m)
    const stream = answerStream('gemini_content', rulesFor([termPolicy(['hidden'], 'block')]))
    const { all } = await runStream(stream, [dataFrame(answer)])
    expect(all).not.toContain('HIDDEN')
  })
})

test.each<[string, object]>([
  ['arguments', answered({ functionCall: { name: 'f', args: { a: 'HIDDEN' } } })],
  ['the name of a call', answered({ functionCall: { name: 'HIDDEN', args: {} } })],
])('calls of an answer are looked through (%s)', (_, answer) => {
  expect(linesOf(walkGeminiAnswer(answer))).toMatch(/^HIDDEN$/m)
})

test.each<[string, object]>([
  ['a call without a name', answered({ functionCall: { args: {} } })],
  ['a call in pieces', answered({ functionCall: { name: 'f', willContinue: true } })],
  ['a text that is none', answered({ text: ['a'] })],
  ['parts that are no list', { candidates: [{ content: { parts: { text: 'a' } } }] }],
  ['a content that is a text', { candidates: [{ content: 'a' }] }],
  ['candidates that are no list', { candidates: { 0: answered({ text: 'a' }).candidates[0] } }],
])('%s stops a stream that policies read', async (_, frame) => {
  const stream = answerStream('gemini_content', rulesFor([termPolicy(['x'], 'redact')]))
  const { all } = await runStream(stream, [dataFrame(frame)])
  expect(all).toContain('"error"')
})

test('calls, tools and media are known as what they are', () => {
  const walked = walkGeminiRequest({
    contents: [
      { role: 'model', parts: [{ function_call: { id: '1', name: 'f', args: { a: 1 } } }] },
      { role: 'user', parts: [{ inline_data: { mime_type: 'audio/wav', data: 'QQ==' } }, { text: 'hi' }] },
    ],
    tools: [{ function_declarations: [{ name: 'f', parameters: { type: 'OBJECT', min_properties: '1' } }] }],
    cached_content: 'cachedContents/1',
  })
  expect(walked.toolCalls).toMatchObject([{ id: '1', name: 'f', parsed: { a: 1 } }])
  expect(walked.tools).toMatchObject([{ name: 'f', schema: { type: 'object', minProperties: 1 } }])
  expect(walked.parts.map(({ kind, role, message }) => [kind, role, message])).toContainEqual(['audio', 'user', 1])
  expect(walked.skipped).toEqual([{ what: 'cachedContent', why: 'kept by the provider' }])
})

test('texts that follow one another become one, and nothing else changes', () => {
  const call = { functionCall: { name: 'f' } }
  const parts = [{ text: 'a', thought: true }, { text: 'b' }, { text: 'c', thoughtSignature: 's' }, call, { text: 'd' }]
  const answer = { candidates: [{ content: { role: 'model', parts }, index: 0 }], modelVersion: 'm' }
  expect(withJoinedTexts(answer)).toEqual({
    candidates: [
      {
        content: {
          role: 'model',
          parts: [{ text: 'a', thought: true }, { text: 'bc', thoughtSignature: 's' }, call, { text: 'd' }],
        },
        index: 0,
      },
    ],
    modelVersion: 'm',
  })
  expect(withJoinedTexts(answered({ text: 'a' }))).toEqual(answered({ text: 'a' }))
})
