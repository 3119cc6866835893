import { expect, test } from 'vitest'
import { safeReturnTo, signInPath } from './return-to'

test('a path of the console is kept whole', () => {
  expect(safeReturnTo('/history?filter=verdict%3Dblock#top')).toBe('/history?filter=verdict%3Dblock#top')
})

test.each([
  ['another site', 'https://evil.example/'],
  ['a scheme-relative address', '//evil.example/'],
  ['a backslash that browsers read as a slash', '/\\evil.example/'],
  ['a tab that browsers drop', '/\t/evil.example/'],
  ['dots that leave an empty host', '/.//evil.example/'],
  ['a script', 'javascript:alert(1)'],
  ['nothing', undefined],
  ['the sign-in page itself', '/sign-in?returnTo=/'],
  ['a route that is no page', '/api/auth/signout'],
])('%s leads to the start page', (_what, text) => {
  expect(safeReturnTo(text)).toBe('/')
})

test('the sign-in page is told where to go on and why', () => {
  expect(signInPath('/gateways?open=gw_local', 'session_expired')).toBe(
    '/sign-in?returnTo=%2Fgateways%3Fopen%3Dgw_local&error=session_expired',
  )
})
