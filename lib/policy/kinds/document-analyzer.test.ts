import { describe, expect, test } from 'vitest'
import type { Part } from '../engine/subject'
import { partOf } from '../engine/testing'
import { walkMessagesRequest } from '../walk/anthropic-messages'
import { walkChatRequest } from '../walk/openai-chat'
import { DOCUMENT_ANALYZER } from './document-analyzer'
import { decideRequest, problemsOf } from './testing'

const fileOf = (media: Partial<NonNullable<Part['media']>>): Part =>
  partOf('', { kind: 'file', media: { type: null, bytes: null, url: null, name: null, ...media } })
const withContent = (type: string, content: string) => fileOf({ type, bytes: content.length, data: btoa(content) })
const decide = (settings: object, ...parts: Part[]) => decideRequest(DOCUMENT_ANALYZER, settings, [], { parts })

describe('document-analyzer', () => {
  test('lets in only the types of the list, by what the request says or the name of the file', () => {
    const settings = { allowed_mime_types: ['application/pdf', 'text/*'] }
    const reason = (media: Parameters<typeof fileOf>[0]) => decide(settings, fileOf(media)).reasonCode
    expect(reason({ type: 'application/pdf' })).toBe('ok')
    expect(reason({ type: 'Text/CSV' })).toBe('ok')
    expect(reason({ name: 'report.PDF' })).toBe('ok')
    expect(reason({ type: 'application/zip' })).toBe('document.type_not_allowed')
    expect(reason({ name: 'constructor' })).toBe('document.type_not_allowed')
    expect(reason({})).toBe('document.type_not_allowed')
    expect(decide({}, fileOf({ type: 'application/zip' })).reasonCode).toBe('ok')
  })

  test('lets in documents up to the size, and says when it cannot know it', () => {
    expect(decide({}, fileOf({ bytes: 524_288 })).reasonCode).toBe('ok')
    expect(decide({}, fileOf({ bytes: 524_289 })).reasonCode).toBe('document.too_large')
    expect(
      decide({}, fileOf({ url: 'https://example.com/a.pdf' })).results[0]?.coverage.skipped.map(({ why }) => why),
    ).toEqual(['its size is not in the request', 'its content is not in the request'])
  })

  test('stops a file that is not what it says', () => {
    const reason = (type: string, content: string) => decide({}, withContent(type, content)).reasonCode
    expect(reason('application/pdf', '%PDF-1.7 hello')).toBe('ok')
    expect(reason('application/pdf', 'MZ program')).toBe('document.type_mismatch')
    expect(reason('application/pdf', 'just text')).toBe('document.type_mismatch')
    expect(reason('text/plain', 'MZ program')).toBe('document.type_mismatch')
    expect(reason('text/plain', 'just text')).toBe('ok')
    expect(reason('application/vnd.openxmlformats-officedocument.wordprocessingml.document', 'PK\x03\x04')).toBe('ok')
  })

  test.each([
    ['text/html', '<p>a</p><script>alert(1)</script>'],
    ['text/html', '<p>a</p><script>alert(1)'],
    ['image/svg+xml', '<svg onload="alert(1)"></svg>'],
    ['text/csv', "a,b\n=cmd|' /C calc'!A0"],
    ['application/pdf', '%PDF-1.7 /OpenAction << /S /JavaScript /JS (app.alert(1)) >>'],
    ['application/vnd.ms-excel', '\xd0\xcf\x11\xe0 .. _VBA_PROJECT'],
  ])('stops active content in %s when told to', (type, content) => {
    expect(decide({ sanitize_code: true }, withContent(type, content)).reasonCode).toBe('document.active_content')
    expect(decide({}, withContent(type, content)).reasonCode).toBe('ok')
  })

  test('lets pass what only looks like code', () => {
    expect(decide({ sanitize_code: true }, withContent('text/plain', 'The word script, and a < b.')).reasonCode).toBe(
      'ok',
    )
  })

  test('cuts code out of what tools fetched, and nothing else', () => {
    const fetched = partOf('Hi <script src="x">evil()</script> there', { kind: 'tool_result', role: 'tool' })
    const decision = decide({ sanitize_code: true }, fetched, partOf('<script>mine</script>'))
    expect(decision.verdict).toBe('redact')
    expect([...decision.texts]).toEqual([[0, 'Hi [code removed] there']])
  })

  test('does nothing when it is switched off', () => {
    expect(decide({ enabled: false, max_document_bytes: 1 }, fileOf({ bytes: 9 })).verdict).toBe('allow')
  })

  test('survives content that is no base64', () => {
    const broken = fileOf({ type: 'text/plain', bytes: 3, data: '***' })
    expect(decide({}, broken).results[0]?.coverage.skipped.map(({ why }) => why)).toEqual(['its content is no base64'])
  })

  test('reads documents as clients of either API send them', () => {
    const html = btoa('<script>evil()</script>')
    const chat = walkChatRequest({
      messages: [
        {
          role: 'user',
          content: [{ type: 'file', file: { filename: 'a.html', file_data: `data:text/html;base64,${html}` } }],
        },
      ],
    })
    const source = { type: 'base64', media_type: 'text/html', data: html }
    const messages = walkMessagesRequest({ messages: [{ role: 'user', content: [{ type: 'document', source }] }] })
    for (const { parts } of [chat, messages]) {
      expect(decide({ sanitize_code: true }, ...parts).reasonCode).toBe('document.active_content')
    }
  })

  test('refuses settings it cannot use', () => {
    expect(problemsOf(DOCUMENT_ANALYZER, { allowed_mime_types: ['pdf'] })).toHaveLength(1)
    expect(problemsOf(DOCUMENT_ANALYZER, { max_document_bytes: 0 })).toHaveLength(1)
  })
})
