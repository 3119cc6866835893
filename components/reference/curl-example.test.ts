import { execFileSync } from 'node:child_process'
import { expect, test } from 'vitest'
import { ENDPOINTS } from '@/lib/contract/all'
import { type Endpoint, pathNames } from '@/lib/contract/endpoint'
import { events } from '@/lib/contract/events'
import { gateways } from '@/lib/contract/gateways'
import { sessions } from '@/lib/contract/sessions'
import { curlExample } from './curl-example'

/** The words that curl would be called with, as bash itself takes the command apart. */
function wordsOf(endpoint: Endpoint): string[] {
  const script = `curl() { printf '%s\\0' "$@"; }\n${curlExample(endpoint)}`
  const env = {
    ...process.env,
    KEEPTRUSTS_API_URL: 'https://api.test',
    KEEPTRUSTS_API_TOKEN: 'kt_ak_test',
  }
  return execFileSync('bash', ['--norc', '-euc', script], { encoding: 'utf8', env }).split('\0').slice(0, -1)
}

test.each(ENDPOINTS)('$name: what a shell sends is the example of the contract', (endpoint) => {
  const words = wordsOf(endpoint)
  const url = new URL(words.find((word) => word.startsWith('https://')) ?? '')
  const sentAs = words.includes('-X') ? words[words.indexOf('-X') + 1] : 'GET'
  const body: unknown = words.includes('-d') ? JSON.parse(words[words.indexOf('-d') + 1] ?? '') : undefined
  const inPath = Object.fromEntries(
    pathNames(endpoint.path).map((name) => [name, endpoint.example.input[name as keyof typeof endpoint.example.input]]),
  )

  expect(sentAs).toBe(endpoint.method)
  expect(url.pathname).toBe(endpoint.path.replace(/:(\w+)/g, (_, name: string) => String(inPath[name])))
  const given = { ...inPath, ...(body ?? Object.fromEntries(url.searchParams)) }
  expect(endpoint.input.parse(given)).toEqual(endpoint.input.parse(endpoint.example.input))
})

test('only what needs a token carries one', () => {
  expect(wordsOf(gateways.list)).toContain('Authorization: Bearer kt_ak_test')
  expect(wordsOf(sessions.create).join(' ')).not.toContain('Authorization')
})

test('a stream is shown as it arrives', () => {
  expect(wordsOf(events.tail)[0]).toBe('-fsSN')
})

test('a quote in an example stays a quote', () => {
  const endpoint = {
    ...gateways.register,
    example: { ...gateways.register.example, input: { id: 'gw', name: "Ana's" } },
  }
  const words = wordsOf(endpoint)
  expect(JSON.parse(words.at(-1) ?? '')).toEqual({ id: 'gw', name: "Ana's" })
})
