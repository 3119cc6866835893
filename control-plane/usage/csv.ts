import { createHash } from 'node:crypto'
import { type usage as contract, USAGE_POINTS_MAX } from '@/lib/contract/usage'
import type { Context } from '../context'
import { textField } from '../exports/formats/csv'
import type { FileAnswer } from '../file-answer'
import type { Input } from '../routes'
import { localText } from './local-time'
import { METRICS } from './metrics'
import { sumUsage } from './queries'
import { questionOf, rangeOfBounds } from './question'
import { tooMany } from './read'
import { writtenSums } from './tally'

/** What is beside an id: how it is called now. */
const NAMED = { team_id: 'team_name', token_id: 'key_name' } as const
const SUMS = METRICS.map((name) => (name === 'cost' ? 'cost_usd' : name))

/** All points of a question as RFC 4180. */
export async function usageCsv(
  { tx, actor, request }: Context,
  input: Input<typeof contract.csv>,
): Promise<FileAnswer> {
  const question = questionOf(actor, input, request.now)
  const { dimensions, bounds, timeZone } = question
  const usage = await sumUsage(tx, question, { limit: USAGE_POINTS_MAX, pointsMax: USAGE_POINTS_MAX })
  if (usage.hasMore || usage.rest !== null) throw tooMany('number of groups, by a filter')
  const { sinceMs } = rangeOfBounds(bounds)
  const header = [
    'at',
    'begins',
    ...dimensions.flatMap((dimension) => [
      dimension,
      ...(dimension in NAMED ? [NAMED[dimension as keyof typeof NAMED]] : []),
    ]),
    ...SUMS,
  ]
  const lines = usage.points.map(({ interval, digits, group }) => {
    const at = bounds[interval] ?? sinceMs
    const by = dimensions.flatMap((dimension, place) => {
      const value = group.values[place] ?? ''
      return [textField(value), ...(dimension in NAMED ? [textField(group.names[place] ?? '')] : [])]
    })
    return [new Date(at).toISOString(), localText(at, timeZone), ...by, ...writtenSums(digits)]
  })
  const bytes = Buffer.from([header, ...lines].map((cells) => `${cells.join(',')}\r\n`).join(''))
  return {
    fileName: `usage-${new Date(sinceMs).toISOString().slice(0, 10)}.csv`,
    mediaType: 'text/csv; charset=utf-8',
    size: bytes.length,
    sha256: createHash('sha256').update(bytes).digest('hex'),
    read: async function* (range) {
      yield range ? bytes.subarray(range.start, range.end === undefined ? undefined : range.end + 1) : bytes
    },
  }
}
