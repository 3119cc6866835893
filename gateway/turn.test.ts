import { describe, expect, test } from 'vitest'
import { Turn } from './turn'

const unexpected = (thrown: unknown) => expect.unreachable(String(thrown))
const turnOver = () => new Promise((resolve) => setImmediate(resolve))

describe('a turn of the event loop', () => {
  test('does what came in it stage by stage, and each stage in the order it came in', async () => {
    const turn = new Turn(unexpected)
    const done: string[] = []
    for (const name of ['one', 'two']) {
      turn.add('request', () => {
        done.push(`request ${name}`)
        turn.add('call', () => done.push(`call ${name}`))
        turn.add('policies', () => done.push(`policies ${name}`))
      })
    }
    turn.add('frames', () => done.push('frames'))
    expect(done).toEqual([])
    await turnOver()
    expect(done).toEqual([
      'frames',
      'request one',
      'request two',
      'policies one',
      'policies two',
      'call one',
      'call two',
    ])
  })

  test('leaves to the next one what comes up for a stage that is over', async () => {
    const turn = new Turn(unexpected)
    const done: string[] = []
    turn.add('call', () => {
      done.push('call')
      turn.add('call', () => done.push('another call'))
      turn.add('frames', () => done.push('its frames'))
    })
    await turnOver()
    expect(done).toEqual(['call'])
    await turnOver()
    expect(done).toEqual(['call', 'its frames', 'another call'])
  })

  test('lets others have their turn when a stage takes long, and comes back to it', async () => {
    let nowMs = 0
    const turn = new Turn(unexpected, () => nowMs)
    const done: string[] = []
    for (const name of ['one', 'two', 'three']) {
      turn.add('policies', () => {
        done.push(name)
        nowMs += name === 'three' ? 0 : 50
        turn.add('call', () => done.push(`call ${name}`))
      })
    }
    await turnOver()
    expect(done).toEqual(['one', 'call one'])
    turn.add('frames', () => done.push('frames'))
    turn.add('policies', () => done.push('four'))
    await turnOver()
    expect(done.slice(2)).toEqual(['frames', 'two', 'call two'])
    await turnOver()
    expect(done.slice(5)).toEqual(['three', 'four', 'call three'])
  })

  test('goes on with everybody else when one throws', async () => {
    const told: unknown[] = []
    const turn = new Turn((thrown) => told.push(thrown))
    const done: string[] = []
    const failure = new Error('one')
    turn.add('request', () => {
      throw failure
    })
    turn.add('request', () => done.push('request'))
    turn.add('call', () => done.push('call'))
    await turnOver()
    expect({ told, done }).toEqual({ told: [failure], done: ['request', 'call'] })
  })
})
