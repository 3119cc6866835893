import { expect, test } from 'vitest'
import { createTable } from './print'
import { displayWidth, printable, printableLines, toSeconds } from './text'

test('what drives a terminal is shown instead of sent', () => {
  expect(printable('a\u001b[31mb\u0007\u009b\u007f\r\n\u202e\u2066\u200f')).toBe(
    'a\\u001b[31mb\\u0007\\u009b\\u007f\\u000d\\u000a\\u202e\\u2066\\u200f',
  )
  expect(printable('Grüße 東京 👩‍👩‍👧')).toBe('Grüße 東京 👩‍👩‍👧')
  expect(printableLines('a\n\tb\u001b')).toBe('a\n\tb\\u001b')
})

test.each([
  ['abc', 3],
  ['Grüße', 5],
  ['e\u0301', 1],
  ['東京', 4],
  ['👩‍👩‍👧', 2],
])('%s takes %i columns', (text, width) => expect(displayWidth(text)).toBe(width))

test('a table keeps its columns under their headings, whatever the script', () => {
  const table = createTable<string>([
    { header: 'NAME', cell: (name) => name },
    { header: 'X', cell: () => 'x' },
  ])

  expect(table.format(['東京', 'ab'], true)).toEqual(['NAME  X', '東京  x', 'ab    x'])
  expect(table.format(['longer name'], false)).toEqual(['longer name  x'])
  expect(table.format(['ab'], false)).toEqual(['ab           x'])
})

test('times are cut to the second', () => {
  expect(toSeconds('2026-05-15T14:00:00.123456Z')).toBe('2026-05-15T14:00:00Z')
  expect(toSeconds('2026-05-15T14:00:00Z')).toBe('2026-05-15T14:00:00Z')
})
