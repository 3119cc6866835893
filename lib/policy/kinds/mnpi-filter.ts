import { z } from 'zod'
import type { PolicyKind } from '@/lib/policy/engine/policy'
import { actOn } from './mechanisms/finding'
import { numbered, patternSearch } from './mechanisms/pattern-search'
import { onError, patterns } from './mechanisms/setting-shapes'

/**
 * How people write about what moves a price and is not public yet.
 *
 * After the examples of material events that regulators give (SEC Regulation FD, 17 CFR 243; Market Abuse Regulation (EU)
 * 596/2014, article 7). Each needs an event and a sign that it is not public, because either alone is everyday news.
 */
const BUILT_IN = [
  {
    rule: 'mnpi.marking',
    signs: ['mnpi', 'public information', 'inside information', 'insider information', 'sensitive information'],
    source: String.raw`\b(?:MNPI|material,? non-?public information|inside information|insider information|price[- ]sensitive information)\b`,
  },
  {
    rule: 'mnpi.event_not_public',
    signs: [
      'merger',
      'acquisition',
      'takeover',
      'tender offer',
      'buyout',
      'earnings',
      'results',
      'guidance',
      'dividend',
      'bankruptcy',
      'restatement',
      'layoffs',
      'spin-off',
      'spinoff',
      'share buyback',
      'stock split',
      'fda approval',
      'fda decision',
    ],
    source: String.raw`\b(?:merger|acquisition|takeover|tender offer|buyout|earnings|results|guidance|dividend|bankruptcy|restatement|layoffs|spin-?off|share buyback|stock split|FDA (?:approval|decision))\b[^.!?\n]{0,120}\b(?:not (?:yet )?(?:been )?(?:public|announced|disclosed|released)|unannounced|undisclosed|before (?:it|this|we|the (?:public )?announcement|they)\b[^.!?\n]{0,40}(?:public|announce[ds]?|announcement|disclosed?)|ahead of (?:the )?(?:announcement|earnings|disclosure)|confidential|embargoed|under embargo)`,
  },
  {
    rule: 'mnpi.not_public_event',
    signs: [
      'not-yet',
      'not yet',
      'unannounced',
      'undisclosed',
      'nonpublic',
      'non-public',
      'confidential',
      'embargoed',
      'preannouncement',
      'pre-announcement',
      'unreleased',
    ],
    source: String.raw`\b(?:not[- ]yet[- ](?:public|announced|disclosed)|unannounced|undisclosed|non-?public|confidential|embargoed|pre-?announcement|unreleased)\b[^.!?\n]{0,60}\b(?:merger|acquisition|takeover|tender offer|buyout|earnings|quarterly results|guidance|dividend|bankruptcy|restatement|spin-?off|stock split|deal terms|term sheet)\b`,
  },
  {
    rule: 'mnpi.trade_before',
    signs: ['announce', 'go public', 'goes public', 'earnings release', 'earnings call', 'news breaks'],
    source: String.raw`\b(?:buy|sell|short|trade|trading|position)\b[^.!?\n]{0,80}\b(?:before|ahead of)\b[^.!?\n]{0,30}\b(?:announce[ds]?|announcement|goes? public|earnings (?:release|call)|news breaks)`,
  },
  {
    rule: 'mnpi.tip',
    signs: ['tip ', 'tipped ', 'heard from'],
    source: String.raw`\b(?:tip(?:ped)? (?:me|us|you|him|her|them)? ?off|heard from (?:the|their|a) (?:CEO|CFO|board|director|insider))\b[^.!?\n]{0,120}\b(?:shares?|stock|merger|acquisition|earnings|deal)\b`,
  },
]

const Settings = z.strictObject({
  /** Added to the built-in patterns. */
  detect_patterns: patterns.default([]),
  action: z.literal('block').default('block'),
  on_error: onError,
})

/** Keeps material non-public information out of models and answers. */
export const MNPI_FILTER: PolicyKind<z.infer<typeof Settings>> = {
  kind: 'mnpi-filter',
  version: '1',
  summary: 'Blocks what reads like material non-public information about a listed company.',
  phases: ['input', 'tool', 'output'],
  settings: Settings,
  needsBlock: false,
  compile(settings) {
    const search = patternSearch([...BUILT_IN, ...numbered(settings.detect_patterns, 'detect_patterns')])
    return {
      kind: 'mnpi-filter',
      version: '1',
      phases: ['input', 'tool', 'output'],
      terms: search.terms,
      onError: settings.on_error,
      streaming: 'buffered',
      explain: [
        `Blocks ${BUILT_IN.length} built-in wordings of material non-public information and ${settings.detect_patterns.length} of this configuration.`,
        'It recognises wordings in English; it knows no watch list and no prices.',
      ],
      bytesMax: 16_777_216,
      check: (view) =>
        actOn(search.find(view), {
          action: 'block',
          reasonCode: 'mnpi.detected',
          message: 'This content appears to contain material non-public information and was stopped.',
        }),
    }
  },
}
