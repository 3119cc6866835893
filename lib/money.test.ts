import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { dividedHalfEven, nanoUsdOf, shortUsdOfNano, usdOfNano } from './money'

test('what was written is read again, to the nano-dollar', () => {
  fc.assert(
    fc.property(fc.bigInt({ min: -(10n ** 20n), max: 10n ** 20n }), (nano) => {
      expect(nanoUsdOf(usdOfNano(nano))).toBe(nano)
      expect(nanoUsdOf(shortUsdOfNano(nano))).toBe(nano)
    }),
  )
})

test.each([
  '',
  '-',
  '.5',
  '1.',
  '1e3',
  'NaN',
  'Infinity',
  ' 1',
  '1 ',
  '+1',
  '0x10',
  '1,5',
  '1.0000000001',
  '1'.repeat(41),
  '１',
])('%j is no amount', (text) => {
  expect(() => nanoUsdOf(text)).toThrow(SyntaxError)
})

test.each([
  [5n, 2n, 2n],
  [7n, 2n, 4n],
  [-5n, 2n, -2n],
  [-7n, 2n, -4n],
  [1n, 2n, 0n],
  [3n, 2n, 2n],
  [251n, 100n, 3n],
  [250n, 100n, 2n],
  [249n, 100n, 2n],
  [6n, 3n, 2n],
  [0n, 9n, 0n],
])('%s / %s is %s: to the nearest, a half to the even one', (numerator, denominator, rounded) => {
  expect(dividedHalfEven(numerator, denominator)).toBe(rounded)
})

test('rounding never moves by more than a half, and negates with its amount', () => {
  fc.assert(
    fc.property(fc.bigInt(-(10n ** 30n), 10n ** 30n), fc.bigInt(1n, 10n ** 15n), (numerator, denominator) => {
      const rounded = dividedHalfEven(numerator, denominator)
      const off = 2n * (rounded * denominator - numerator)
      expect(off <= denominator && off >= -denominator).toBe(true)
      expect(dividedHalfEven(-numerator, denominator)).toBe(-rounded)
    }),
  )
})

/** Names that hold money: none of them may be declared a `number`, nor be made one. */
const MONEY = '\\w*(?:nano|nanos|usd|cost|price|balance|wallet)(?:nano)?(?:usd|nanos?)?'
const AS_NUMBER = new RegExp(
  `\\b(?:${MONEY})\\??: number\\b|\\bparseFloat\\(|\\bNumber\\((?:\\w+\\.)*(?:${MONEY})\\)`,
  'i',
)

test('no money is a number in the gateway, the control plane or what they reckon with', () => {
  expect(AS_NUMBER.test('  totalCost: number')).toBe(true)
  expect(AS_NUMBER.test('const x = Number(row.costNanoUsd)')).toBe(true)
  expect(AS_NUMBER.test('  cost: NanoUsd')).toBe(false)
  const root = join(import.meta.dirname, '..')
  const files = ['gateway', 'control-plane', 'lib/prices', 'lib/contract']
    .flatMap((folder) => readdirSync(join(root, folder), { recursive: true }).map((file) => join(folder, String(file))))
    .filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts'))
  const offences = files.flatMap((file) =>
    readFileSync(join(root, file), 'utf8')
      .split('\n')
      .flatMap((line, at) =>
        AS_NUMBER.test(line) && !DOORS.includes(file) ? [`${file}:${at + 1} ${line.trim()}`] : [],
      ),
  )
  expect(offences).toEqual([])
})

/** Where numbers come in from outside and become exact, or are exact because they are whole and small. */
const DOORS = [
  'lib/prices/catalogue.ts', // the catalogue is written in JSON numbers
  'control-plane/exports/rows/line-rows.ts', // whole nano-dollars of one row, carried over to bigint before they could round
]
