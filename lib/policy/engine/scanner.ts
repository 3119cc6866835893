import { bytesWithStandIns } from './ascii-bytes'
import { AsciiTerms } from './ascii-terms'
import { Automaton } from './automaton'
import { normalise } from './normalise'
import type { Term } from './policy'
import type { OnHit } from './scan'

/**
 * Looks for any number of literals at once.
 *
 * ASCII, with signs or without, which nearly all text is, goes another way to the same hits than other text: where terms may
 * begin is told by the characters there. When that does not pay, as in text that is made of beginnings of terms, an automaton reads it all.
 */
export type Scanner = {
  /**
   * Hits in the order of their ends; of those with one end the longest first.
   *
   * @param normal normal text, or ASCII and signs (signs.ts) in any case
   * @throws ScanRefused when there are more than HITS_MAX
   */
  scan(normal: string, onHit: OnHit): void
}

/**
 * Terms are normalised as texts are. Any run of white space counts as one blank, in terms and in texts.
 * A term of which nothing is seen matches nowhere.
 */
export function buildScanner(terms: readonly Term[]): Scanner {
  const literals = terms.map(({ text }) => literalOf(normalise(text).text))
  if (literals.every((literal) => literal === '')) return NOTHING
  const ofAscii = new AsciiTerms(terms, literals)
  const ofAny = new Automaton(terms, literals)
  return {
    scan(text, onHit) {
      const bytes = bytesWithStandIns(text)
      const hits = bytes === null ? null : ofAscii.find(bytes, text)
      if (hits === null) ofAny.scan(HAS_CAPITAL.test(text) ? text.toLowerCase() : text, onHit)
      else
        for (let i = 0; i < hits.length; i += 3) onHit(hits[i] as number, hits[i + 1] as number, hits[i + 2] as number)
    },
  }
}

const HAS_CAPITAL = /[A-Z]/

const literalOf = (normal: string) => (/^\s*$/.test(normal) ? '' : normal.replace(/\s+/g, ' '))

const NOTHING: Scanner = { scan: () => {} }
