import { expect, test } from 'vitest'
import { clientWords } from './client-words'

const CHROME = 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/150.0.0.0 Safari/537.36'

test.each([
  [CHROME, 'Chrome 150 on Linux'],
  [`${CHROME} Edg/150.0.3000.1`, 'Edge 150 on Linux'],
  ['Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:151.0) Gecko/20100101 Firefox/151.0', 'Firefox 151 on Windows'],
  [
    'Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/19.0 Mobile/15E148 Safari/604.1',
    'Safari 19 on iPhone',
  ],
  ['kt/0.1.0', 'kt/0.1.0'],
  [null, 'Unknown program'],
])('a browser is named by what people call it, anything else by what it calls itself', (userAgent, words) => {
  expect(clientWords(userAgent)).toBe(words)
})
