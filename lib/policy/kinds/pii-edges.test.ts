import { describe, expect, test } from 'vitest'
import { chainOf } from '@/lib/policy/engine/chain'
import { decidePhase } from '@/lib/policy/engine/decide'
import { writeTexts } from '@/lib/policy/engine/redact'
import { subjectOf } from '@/lib/policy/engine/testing'
import { walkChatRequest } from '@/lib/policy/walk/openai-chat'
import { PII_DETECTOR } from './pii-detector'
import { askKind } from './testing-ask'

const { ask, redact } = askKind(PII_DETECTOR)

describe('a card in two lines', () => {
  test.each([
    ['pay 4111 1111\n1111 1111 now', 'pay [CREDIT_CARD] now'],
    ['pay 4111-1111-1111\r\n1111.', 'pay [CREDIT_CARD].'],
    ['my card:\n41111111\n11111111', 'my card:\n[CREDIT_CARD]'],
    ['Visa 4111\n1111\n1111\n1111', 'Visa [CREDIT_CARD]'],
    ['4111\u00ad1111\u00ad1111\u00ad1111', '[CREDIT_CARD]'],
    ['4111 1111\u00ad 1111 1111', '[CREDIT_CARD]'],
  ])('is masked: %j', (text, wanted) => {
    expect(redact(text)).toBe(wanted)
  })

  test.each([
    'ids\n41111111\n11111111\n', // two numbers of eight digits
    'counts\n4111\n1111\n1111\n1111\n', // a column
    'pay 4111 1111\n1111 1112', // no right check digit
    '4111 1111-1111\n1111', // mixed
    'rooms 4111, 1111\n1111 1111',
    'sizes 4111 1111\n\n1111 1111', // two paragraphs
  ])('is not made of other numbers: %j', (text) => {
    expect(ask(text)).toMatchObject({ verdict: 'allow', redactions: [] })
  })
})

describe('what nobody sees hides nothing', () => {
  test.each([
    ['a variation selector', '\ufe0f'],
    ['a joiner of graphemes', '\u034f'],
    ['a control character', '\u0000'],
    ['another', '\u007f'],
    ['a filler', '\u3164'],
    ['a mark of direction', '\u061c'],
    ['a separator of vowels', '\u180e'],
    ['a tag', '\u{e0041}'],
    ['a stroke over each digit', '\u0336'],
    ['a circle around it', '\u20dd'],
  ])('%s', (_, sign) => {
    const hidden = (text: string) => [...text].join(sign)
    expect(redact(`pay ${hidden('4111111111111111')} now`)).toBe('pay [CREDIT_CARD] now')
    expect(redact(`to ${hidden('ana@example.com')} now`)).toBe('to [EMAIL] now')
  })

  test.each(['৪১১১', '๔๑๑๑', '௪௧௧௧', '⁴¹¹¹', '④①①①', '४१११'])('nor do digits of another script: %s', (first) => {
    const ones = first.charAt(1).repeat(4)
    expect(redact(`pay ${first} ${ones} ${ones} ${ones} now`)).toBe('pay [CREDIT_CARD] now')
  })
})

describe('national numbers of more countries', () => {
  test.each([
    ['NHS number: 943 476 5919', 'NHS number: [NATIONAL_ID]'],
    ['her NHS no. is 9434765919.', 'her NHS no. is [NATIONAL_ID].'],
    ['SIN: 130 692 544', 'SIN: [NATIONAL_ID]'],
    ['social insurance number 130692544', 'social insurance number [NATIONAL_ID]'],
    ["numéro d'assurance sociale 130-692-544", "numéro d'assurance sociale [NATIONAL_ID]"],
    ['personnummer 811218-9876', 'personnummer [NATIONAL_ID]'],
    ['Anna, 19811218-9876, Uppsala', 'Anna, [NATIONAL_ID], Uppsala'],
    ['personnr: 198112189876', 'personnr: [NATIONAL_ID]'],
    ['samordningsnummer 701063-2391', 'samordningsnummer [NATIONAL_ID]'],
  ])('are masked: %s', (text, wanted) => {
    expect(redact(text)).toBe(wanted)
  })

  test.each([
    'NHS number: 943 476 5918', // check digit
    'order 943 476 5919', // no name
    'the NHS spent 1234567890 pounds',
    'SIN: 130 692 545',
    'sin 130692544 empleados', // Spanish
    'part 130 692 544',
    'personnummer 811318-9876', // no month 13
    'personnummer 811218-9877',
    'order 811218-9876', // no name
    'ticket 20240318-1236',
    'batch 19811299-9876',
  ])('are not seen in other numbers: %s', (text) => {
    expect(ask(text)).toMatchObject({ verdict: 'allow', redactions: [] })
  })
})

describe('where a shell logs in', () => {
  test.each([
    'git clone git@github.com:org/repo.git',
    'git@gitlab.example.com:team/app.git',
    'remote: git@bitbucket.org:team/app',
    'url = ssh://git@github.com/org/repo',
    'scp report.pdf deploy@web1.example.com:/var/www/',
    'rsync -a ./ backup@nas.example.org:~/daily/',
    'ssh -T git@github.com',
  ])('is no e-mail address: %s', (text) => {
    expect(ask(text)).toMatchObject({ verdict: 'allow', redactions: [] })
  })

  test.each([
    ['mail jane@example.org: please', 'mail [EMAIL]: please'],
    ['jane@example.org:pa/ss', '[EMAIL]:pa/ss'],
    ['write to scp@example.org', 'write to [EMAIL]'],
    ['push it to jane.doe@example.org today', 'push it to [EMAIL] today'],
  ])('and an address is one all the same: %s', (text, wanted) => {
    expect(redact(text)).toBe(wanted)
  })
})

describe('a value in two texts of one message', () => {
  const chain = chainOf([PII_DETECTOR.compile(PII_DETECTOR.settings.parse({}), { hasSecret: () => false })])
  const sent = (texts: readonly string[]) => {
    const body = { messages: [{ role: 'user', content: texts.map((text) => ({ type: 'text', text })) }] }
    const { parts } = walkChatRequest(body)
    const decided = decidePhase(chain, subjectOf([], { parts }), 0)
    const edits = [...decided.texts].map(([part, text]) => ({ path: parts[part]?.path ?? [], text }))
    const { messages } = writeTexts(body, edits) as typeof body
    return messages[0]?.content.map(({ text }) => text)
  }

  test.each([
    [
      ['mail jane.mil', 'ler@example.org now'],
      ['mail [EMAIL]', '[EMAIL] now'],
    ],
    [
      ['mail jane@exam', 'ple.org'],
      ['mail [EMAIL]', ''],
    ],
    [
      ['jane', '@', 'example', '.org, yes'],
      ['[EMAIL]', '', '', ', yes'],
    ],
    [
      ['pay 4111 1111 ', '1111 1111'],
      ['pay [CREDIT_CARD]', ''],
    ],
    [
      [`${'x'.repeat(400)} DE89 3704 0044`, ' 0532 0130 00 ok'],
      [`${'x'.repeat(400)} [IBAN]`, ' ok'],
    ],
  ])('is masked: %j', (texts, wanted) => {
    expect(sent(texts)).toEqual(wanted)
  })

  test.each([
    [
      ['Hello jane', 'bob@example.org'],
      ['Hello jane', '[EMAIL]'],
    ],
    [
      ['mail jane@example.org', '.Please reply'],
      ['mail [EMAIL]', '.Please reply'],
    ],
    [
      ['see the notes', 'Then write.'],
      ['see the notes', 'Then write.'],
    ],
    [
      ['rooms 4111 1111', ' 1111 1112'],
      ['rooms 4111 1111', ' 1111 1112'],
    ],
    [
      ['a price of 12', '34 in total'],
      ['a price of 12', '34 in total'],
    ],
  ])('is not made of what stands apart: %j', (texts, wanted) => {
    expect(sent(texts)).toEqual(wanted)
  })

  test('is not looked for across messages, which nobody puts together', () => {
    const parts = subjectOf(['jane@exam', 'ple.org']).parts
    expect(decidePhase(chain, subjectOf([], { parts }), 0).verdict).toBe('allow')
  })
})

test.each([
  ['write to wa.me/5521998765432', 'write to wa.me/[PHONE]'],
  ['<td>8 (916) 123-45-67</td>', '<td>[PHONE]</td>'],
])('a telephone number needs no name where nothing else looks like it: %s', (text, wanted) => {
  expect(redact(text)).toBe(wanted)
})

test.each([
  'https://user:pass@example.com/', // the password of a link
  'Call the function at offset 00001234',
  'https://example.com/5521998765432',
])('no address and no telephone number is seen in %s', (text) => {
  expect(redact(text)).toBe(text)
})
