import { z } from 'zod'
import type { Policy } from '@/lib/policy/engine/policy'
import type { Phase } from '@/lib/policy/engine/subject'
import { actOn } from './finding'
import { maxDistance, onError, terms } from './setting-shapes'
import { EXACT_BYTES_MAX, FUZZY_BYTES_MAX, type NamedTerm, termSearch } from './term-search'

/** Settings that every kind with a list of terms shares. */
export const fuzzyShape = {
  /** Also what nearly reads like a term: misspelt, split or joined words. */
  fuzzy_matching: z.boolean().default(false),
  /** Most mistakes; a term of n characters never gets more than n / 5. */
  max_distance: maxDistance.default(1),
  on_error: onError,
}

export const blockedTerms = terms.default([])

type Settings = { fuzzy_matching: boolean; max_distance: number; on_error: 'deny' | 'allow' }

/** A policy that looks for terms and acts on the first. */
export function controlledTerms(
  { kind, version, phases }: { kind: string; version: string; phases: readonly Phase[] },
  settings: Settings,
  {
    named,
    action,
    reasonCode,
    message,
    explain,
  }: {
    named: readonly NamedTerm[]
    action: 'block' | 'redact'
    reasonCode: string
    message: string
    explain: readonly string[]
  },
): Policy {
  const distance = settings.fuzzy_matching ? settings.max_distance : 0
  const search = termSearch(named, distance)
  return {
    kind,
    version,
    phases,
    terms: search.terms,
    onError: settings.on_error,
    streaming: 'buffered',
    explain: [
      ...explain,
      distance > 0
        ? `Terms match with up to ${distance} mistakes, at most one per 5 characters.`
        : 'Terms match as whole words, without regard to case.',
    ],
    bytesMax: distance > 0 ? FUZZY_BYTES_MAX : EXACT_BYTES_MAX,
    check: (view) => actOn(search.find(view), { action, reasonCode, message }),
  }
}

/** Terms of a configuration: recorded by their place, because their text would end up in records. */
export const configured = (texts: readonly string[], rule: string): NamedTerm[] =>
  texts.map((text, index) => ({ text, rule: `${rule}[${index}]` }))
