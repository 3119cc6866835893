import { DecisionEvent } from '@/lib/contract/events'
import { parseJson } from '@/lib/parse-json'
import { linePattern } from './line-pattern'

const PLAIN = linePattern(DecisionEvent)

/**
 * The JSON of a recorded event, as the contract has it. A line was checked when it was recorded and nearly always says what
 * the contract says today: it is looked at, and passed on as it is. One that was recorded under an older contract gets what
 * that did not have, and one that is no event any more is refused.
 *
 * @throws SyntaxError, ZodError
 */
export const eventJson = (line: string): string =>
  PLAIN.test(line) ? line : JSON.stringify(DecisionEvent.parse(parseJson(line)))
