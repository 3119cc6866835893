import { describe, expect, test } from 'vitest'
import { someDollars } from '@/lib/contract/spend-shapes'
import {
  aboutText,
  decimalsOf,
  moneyText,
  percentOf,
  percentText,
  signedMoneyText,
  typedMoney,
  widthOfAmounts,
} from './money'

describe('an amount of money', () => {
  test('is shown to its last nano-dollar, however large it is', () => {
    expect(moneyText('1310.250000000')).toBe('$1,310.25')
    expect(moneyText('0.000000001')).toBe('$0.000000001')
    expect(moneyText('-12345678901234567890.500000000')).toBe('-$12,345,678,901,234,567,890.50')
    expect(moneyText('7')).toBe('$7.00')
  })

  test('says in which direction it moved', () => {
    expect(signedMoneyText('500.000000000')).toBe('+$500.00')
    expect(signedMoneyText('-0.250000000')).toBe('-$0.25')
  })

  test('has as many decimals as its neighbours in a column', () => {
    const column = ['1.500000000', '0.000120000', '20']
    expect(column.map((usd) => moneyText(usd, decimalsOf(column)))).toEqual(['$1.50000', '$0.00012', '$20.00000'])
  })

  test('has a column as wide as the longest of it', () => {
    const rem = (...texts: string[]) => Number(widthOfAmounts(texts).replace('w-', '')) / 4
    // What stands around a cell, and the figures, in rems of 14 pixels.
    const needed = (text: string) => 1.5 + (text.length * 7.5) / 14
    for (const text of [
      '$0.00',
      '$802.430085759',
      '-$1,023.259535459',
      '+$123,456.123456789',
      '-$1,234,567.123456789',
    ]) {
      expect(rem('$1.00', text), text).toBeGreaterThanOrEqual(needed(text))
    }
  })

  test('that is an estimate is rounded to cents, and never to nothing', () => {
    expect(['2071.395', '0.559897868', '0.000123456', '0'].map(aboutText)).toEqual([
      '$2,071.40',
      '$0.56',
      '$0.00012',
      '$0.00',
    ])
  })

  test('is read as people type it', () => {
    expect(typedMoney(' $1,250.50 ')).toBe('1250.50')
    expect(typedMoney('12,345,678')).toBe('12345678')
  })

  test('is not guessed at where a comma may stand for the point', () => {
    for (const typed of ['2,50', '0,6', '1.000,50', '1,25,0', ',5', '1234,567']) {
      expect(someDollars.safeParse(typedMoney(typed)).success, typed).toBe(false)
    }
  })
})

describe('a share', () => {
  test('is reckoned exactly, and is 0 of nothing', () => {
    expect(percentOf('1', '3')).toBe(33.33)
    expect(percentOf('5', '0')).toBe(0)
    expect(percentOf('9000000000.5', '9000000001')).toBe(99.99)
    expect(percentText(percentOf('0.000714', '126.443197379'))).toBe('< 0.1 %')
  })

  test('that is small but there is never shown as none', () => {
    expect([percentText(0), percentText(0.01), percentText(3.21), percentText(120)]).toEqual([
      '0 %',
      '< 0.1 %',
      '3.2 %',
      '120 %',
    ])
  })

  test('that is not the whole is never told as the whole', () => {
    expect([percentText(99.4), percentText(99.5), percentText(99.99), percentText(100)]).toEqual([
      '99 %',
      '> 99 %',
      '> 99 %',
      '100 %',
    ])
  })

  test('that is beyond all measure is told as that', () => {
    expect(percentText(1_368_400)).toBe('> 999 %')
  })
})
