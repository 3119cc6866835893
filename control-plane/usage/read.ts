import type { z } from 'zod'
import { type usage as contract, USAGE_POINTS_MAX } from '@/lib/contract/usage'
import { AppError } from '@/lib/errors'
import type { Context } from '../context'
import type { Input } from '../routes'
import { Written } from '../written'
import { sumGroups, sumUsage } from './queries'
import { NARROWER, previousOf, type Question, questionOf, rangeOfBounds } from './question'
import { type Group, type Usage, writtenSums } from './tally'

/** What was used and what it cost, by time and by whom. */
export async function readUsage({ tx, actor, request }: Context, input: Input<typeof contract.read>) {
  const question = questionOf(actor, input, request.now)
  const usage = await sumUsage(tx, question, { limit: input.limit, pointsMax: USAGE_POINTS_MAX })
  if (usage.hasMore) throw tooMany('limit')
  const groups = question.dimensions.length === 0 ? [] : usage.groups
  const before = input.compare === 'previous' ? previousOf(question) : null
  const previous = before && (await sumGroups(tx, before, groups))
  const { sinceMs, untilMs } = rangeOfBounds(question.bounds)
  const head: Omit<z.input<typeof contract.read.output>, 'points'> = {
    since: iso(sinceMs),
    until: iso(untilMs),
    total: usage.total,
    previous_since: before && iso(before.bounds[0]),
    previous: previous?.total ?? null,
    groups: groups.map((group, at) => ({
      by: byOf(question, group),
      names: Object.fromEntries(
        question.dimensions.flatMap((dimension, place) => {
          const name = group.names[place]
          return typeof name === 'string' ? [[dimension, name]] : []
        }),
      ),
      sums: group.sums,
      previous: previous?.groups[at] ?? null,
    })),
    rest: usage.rest,
  }
  return new Written(`${JSON.stringify(head).slice(0, -1)},"points":[${pointsJson(question, usage)}]}`)
}

/** Written by hand: of points there are thousands, and their digits are in JSON as they came from the database. */
function pointsJson(question: Question, { groups, points }: Usage): string {
  const starts = question.bounds.map((ms) => JSON.stringify(iso(ms)))
  const by = new Map(groups.map((group) => [group, JSON.stringify(byOf(question, group))]))
  let json = ''
  for (const { interval, digits, group } of points) {
    const [requests, errors, hits, input, output, total, usd, unpriced] = writtenSums(digits)
    json += `${json === '' ? '' : ','}{"at":${starts[interval]},"by":${by.get(group)},"sums":{"requests":${requests},"errors":${errors},"cache_hits":${hits},"tokens_input":${input},"tokens_output":${output},"tokens_total":${total},"cost_usd":"${usd}","unpriced":${unpriced}}}`
  }
  return json
}

/** @param narrow what else makes them fewer */
export const tooMany = (narrow: string): AppError =>
  new AppError(
    'unprocessable',
    `These are more than ${USAGE_POINTS_MAX} points. ${NARROWER.slice(0, -1)}, or a smaller ${narrow}.`,
  )

const byOf = ({ dimensions }: Question, { values }: Group) =>
  Object.fromEntries(dimensions.map((dimension, at) => [dimension, values[at] ?? '']))

const iso = (ms: number) => new Date(ms).toISOString()
