import { Writable } from 'node:stream'
import { expect, test } from 'vitest'
import { createLog } from './run-log'

test('what looks like a secret is not logged, wherever it stands', () => {
  const lines: string[] = []
  const log = createLog(
    'gw_test',
    new Writable({
      write(chunk, _, done) {
        lines.push(String(chunk))
        done()
      },
    }),
  )
  log.error({ token: 'kt_1', headers: { authorization: 'Bearer kt_2' }, a: { b: { secret: 'kt_3' } } }, 'refused')
  expect(lines.join('')).not.toMatch(/kt_[123]/)
  expect(JSON.parse(lines[0] ?? '')).toMatchObject({
    level: 'error',
    gateway_id: 'gw_test',
    msg: 'refused',
    token: '[redacted]',
  })
})
