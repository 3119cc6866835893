import { RE2JS } from 're2js'
import type { ModelMatch } from '@/lib/contract/price-shapes'

/** Whether a model's name, in lower case, is meant. */
export type Matcher = (name: string) => boolean

/** @throws RE2JSException for a pattern that is none; patterns run in linear time */
export function matcherOf(match: ModelMatch): Matcher {
  if ('names' in match) {
    const wanted = new Set(match.names.map((name) => name.toLowerCase()))
    return (name) => wanted.has(name)
  }
  if ('starts_with' in match) {
    const start = match.starts_with.toLowerCase()
    return (name) => name.startsWith(start)
  }
  if ('ends_with' in match) {
    const end = match.ends_with.toLowerCase()
    return (name) => name.endsWith(end)
  }
  if ('contains' in match) {
    const part = match.contains.toLowerCase()
    return (name) => name.includes(part)
  }
  if ('regex' in match) {
    const pattern = RE2JS.compile(RE2JS.translateRegExp(match.regex), RE2JS.CASE_INSENSITIVE)
    return (name) => pattern.matcher(name).find()
  }
  if ('not' in match) {
    const matches = matcherOf(match.not)
    return (name) => !matches(name)
  }
  if ('and' in match) {
    const all = match.and.map(matcherOf)
    return (name) => all.every((matches) => matches(name))
  }
  const any = match.or.map(matcherOf)
  return (name) => any.some((matches) => matches(name))
}
