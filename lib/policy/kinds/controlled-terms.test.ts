import { describe, expect, test } from 'vitest'
import { DUAL_USE_FILTER } from './dual-use-filter'
import { DUAL_USE_TERMS } from './dual-use-terms'
import { ENTITY_LIST_FILTER } from './entity-list-filter'
import { ITAR_EAR_FILTER } from './itar-ear-filter'
import { ITAR_EAR_TERMS } from './itar-ear-terms'
import { LEGAL_PRIVILEGE } from './legal-privilege'
import { decideAnswer, decideRequest, problemsOf } from './testing'

describe('itar-ear-filter', () => {
  test.each([
    'This drawing is ITAR controlled.',
    'Improve the thrust vector control of this motor',
    'mark it NOFORN please',
    'Design of a night\u200b vision focal plane array',
  ])('blocks %s', (text) => {
    const { verdict, reasonCode, message } = decideRequest(ITAR_EAR_FILTER, {}, [text])
    expect({ verdict, reasonCode }).toEqual({ verdict: 'block', reasonCode: 'export_control.detected' })
    expect(message).toBe('This request appears to contain export-controlled information and was not sent.')
  })

  test.each(['What is a satellite?', 'The army parade was moved.', 'guitar controlled feedback', 'Near focal point'])(
    'lets pass %s',
    (text) => expect(decideRequest(ITAR_EAR_FILTER, {}, [text]).verdict).toBe('allow'),
  )

  test('adds its own terms to the built-in ones', () => {
    const settings = { blocked_terms: ['Project Halberd'] }
    expect(decideRequest(ITAR_EAR_FILTER, settings, ['about project halberd']).verdict).toBe('block')
    expect(decideRequest(ITAR_EAR_FILTER, settings, ['ITAR restricted']).verdict).toBe('block')
    expect(decideRequest(ITAR_EAR_FILTER, {}, ['about project halberd']).verdict).toBe('allow')
  })

  test('finds misspelt, split and joined terms only when told to', () => {
    for (const text of [
      'thrust vectr control',
      'thrustvector control',
      'thrust vec tor control',
      'thurst vector control',
    ]) {
      expect(decideRequest(ITAR_EAR_FILTER, {}, [text]).verdict).toBe('allow')
      expect(decideRequest(ITAR_EAR_FILTER, { fuzzy_matching: true }, [text]).verdict).toBe('block')
    }
  })

  test('allows as many mistakes as max_distance says', () => {
    const twice = ['thrst vectr control']
    expect(decideRequest(ITAR_EAR_FILTER, { fuzzy_matching: true, max_distance: 1 }, twice).verdict).toBe('allow')
    expect(decideRequest(ITAR_EAR_FILTER, { fuzzy_matching: true, max_distance: 2 }, twice).verdict).toBe('block')
  })

  test('never lets a short term match by mistakes', () => {
    const settings = { blocked_terms: ['Orca'], fuzzy_matching: true, max_distance: 8 }
    expect(decideRequest(ITAR_EAR_FILTER, settings, ['the orcs came']).verdict).toBe('allow')
    expect(decideRequest(ITAR_EAR_FILTER, settings, ['the orca came']).verdict).toBe('block')
  })

  test('takes no other action than block', () => {
    expect(problemsOf(ITAR_EAR_FILTER, { action: 'redact' })).toHaveLength(1)
    expect(problemsOf(ITAR_EAR_FILTER, { max_distance: 9 })).toHaveLength(1)
    expect(problemsOf(ITAR_EAR_FILTER, { blockedterms: [] })).toHaveLength(1)
  })

  test('has no term twice', () => {
    for (const terms of [ITAR_EAR_TERMS, DUAL_USE_TERMS]) {
      expect(new Set(terms.map(({ text }) => text.toLowerCase())).size).toBe(terms.length)
    }
  })
})

describe('dual-use-filter', () => {
  test('cuts out exactly the term when it redacts', () => {
    const { verdict, texts, detections } = decideRequest(DUAL_USE_FILTER, { action: 'redact' }, [
      'Buy Maraging Steel today',
    ])
    expect(verdict).toBe('redact')
    expect(texts.get(0)).toBe('Buy [REDACTED] today')
    expect(detections.map(({ rule }) => rule)).toEqual(['dual_use.1_materials'])
  })

  test('cuts out the whole misspelt term', () => {
    const settings = { action: 'redact', fuzzy_matching: true }
    expect(decideRequest(DUAL_USE_FILTER, settings, ['Buy maragin steel, today']).texts.get(0)).toBe(
      'Buy [REDACTED], today',
    )
  })

  test('blocks unless told otherwise', () => {
    expect(decideRequest(DUAL_USE_FILTER, {}, ['a gas centrifuge']).verdict).toBe('block')
    expect(decideRequest(DUAL_USE_FILTER, {}, ['a gas oven and a centrifuge']).verdict).toBe('allow')
  })
})

describe('entity-list-filter', () => {
  const settings = { blocked_entities: ['Acme Front Trading LLC', 'Blue Harbour Shipping'] }

  test('blocks a request that names a party of the list, and never says which', () => {
    const { verdict, message, detections } = decideRequest(ENTITY_LIST_FILTER, settings, [
      'Invoice for BLUE HARBOUR SHIPPING',
    ])
    expect(verdict).toBe('block')
    expect(message).toContain('POLICY_VIOLATION')
    expect(message?.toLowerCase()).not.toContain('harbour')
    expect(detections.map(({ rule }) => rule)).toEqual(['blocked_entities[1]'])
  })

  test('lets part of a name pass', () => {
    expect(decideRequest(ENTITY_LIST_FILTER, settings, ['A blue harbour at dawn']).verdict).toBe('allow')
  })

  test.each(['blu e harbour shipping', 'Blue Harbxur Shipping', 'Blue Harbour Shippnig', 'blueharbour shipping'])(
    'finds %s where one mistake is allowed',
    (text) => {
      const only = { blocked_entities: ['Blue Harbour Shipping'], fuzzy_matching: true }
      expect(decideRequest(ENTITY_LIST_FILTER, only, [text]).verdict).toBe('block')
      expect(decideRequest(ENTITY_LIST_FILTER, { ...only, max_distance: 0 }, [text]).verdict).toBe('allow')
    },
  )

  test('has no list of its own and so needs one', () => {
    expect(problemsOf(ENTITY_LIST_FILTER, {})).toHaveLength(1)
    expect(problemsOf(ENTITY_LIST_FILTER, { blocked_entities: [] })).toHaveLength(1)
  })
})

describe('legal-privilege', () => {
  test('blocks markers in requests and in answers', () => {
    expect(decideRequest(LEGAL_PRIVILEGE, {}, ['PRIVILEGED AND CONFIDENTIAL\nDear client']).verdict).toBe('block')
    expect(decideAnswer(LEGAL_PRIVILEGE, {}, 'Our litigation strategy is to wait.').reasonCode).toBe(
      'legal_privilege.detected',
    )
  })

  test('lets pass what is only legal', () => {
    expect(decideRequest(LEGAL_PRIVILEGE, {}, ['What does confidential mean in a contract?']).verdict).toBe('allow')
  })

  test('adds markers to the built-in ones', () => {
    expect(decideRequest(LEGAL_PRIVILEGE, { privilege_markers: ['Matter 77-B'] }, ['see matter 77-b']).verdict).toBe(
      'block',
    )
    expect(problemsOf(LEGAL_PRIVILEGE, { action: 'redact' })).toHaveLength(1)
  })
})
