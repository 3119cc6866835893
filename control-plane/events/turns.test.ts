import { expect, test } from 'vitest'
import { Turns } from './turns'

const options = {
  weightOf: (item: string) => item.length,
  weightMax: 4,
  isOfAll: (thrown: unknown) => thrown === 'away',
}

function turns(work: (items: string[]) => void = () => undefined) {
  const done: string[][] = []
  const gates: (() => void)[] = []
  const made = new Turns(async (_key: string, items: string[]) => {
    await new Promise<void>((resolve) => gates.push(resolve))
    work(items)
    done.push(items)
    return items.map((item) => item.toUpperCase())
  }, options)
  const open = async () => {
    while (gates.length > 0) {
      gates.shift()?.()
      await new Promise((resolve) => setImmediate(resolve))
    }
  }
  return { made, done, open }
}

test('what waits while work is under way is done together, in order and within the weight; keys do not wait for each other', async () => {
  const { made, done, open } = turns()
  const results = ['a', 'bb', 'cc', 'ddddd', 'e'].map((item) => made.add('one', item))
  const other = made.add('two', 'x')
  await open()
  expect(await Promise.all([...results, other])).toEqual(['A', 'BB', 'CC', 'DDDDD', 'E', 'X'])
  expect(done.filter((items) => !items.includes('x'))).toEqual([['a'], ['bb', 'cc'], ['ddddd'], ['e']])
})

test('one that fails does not fail those it shares a turn with', async () => {
  const { made, open } = turns((items) => {
    if (items.includes('c')) throw new Error('poison')
  })
  const results = Promise.allSettled(['a', 'b', 'c', 'd'].map((item) => made.add('one', item)))
  await open()
  await open()
  expect((await results).map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'rejected', 'fulfilled'])
})

test('a failure of all is not tried again one by one, and what comes later is done', async () => {
  let isAway = true
  const { made, done, open } = turns(() => {
    if (isAway) throw 'away'
  })
  const results = Promise.allSettled(['a', 'b', 'c'].map((item) => made.add('one', item)))
  await open()
  expect((await results).map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected'])
  isAway = false
  const later = made.add('one', 'z')
  await open()
  expect([await later, done]).toEqual(['Z', [['z']]])
})

test('a turn that is full begins beside the one under way, and no third one', async () => {
  let underWay = 0
  const most: number[] = []
  const made = new Turns(async (_key: string, items: string[]) => {
    underWay += 1
    most.push(underWay)
    await new Promise((resolve) => setImmediate(resolve))
    underWay -= 1
    return items
  }, options)
  const items = ['a', 'bb', 'b', 'b', 'cccc', 'dddd', 'e']
  expect(await Promise.all(items.map((item) => made.add('one', item)))).toEqual(items)
  expect(Math.max(...most)).toBe(2)
  const few = ['a', 'b', 'c']
  most.length = 0
  expect(await Promise.all(few.map((item) => made.add('one', item)))).toEqual(few)
  expect(Math.max(...most)).toBe(1)
})

test('more than a hundred do not wait', async () => {
  const { made, open } = turns()
  const results = Promise.allSettled(Array.from({ length: 105 }, () => made.add('one', 'aaaa')))
  await open()
  const refused = (await results).flatMap((result) => (result.status === 'rejected' ? [result.reason as unknown] : []))
  expect(refused).toHaveLength(3)
  expect(refused[0]).toMatchObject({ code: 'unavailable' })
})
