import { z } from 'zod'
import type { PolicyKind } from '@/lib/policy/engine/policy'
import { configured, controlledTerms, fuzzyShape } from './mechanisms/controlled-terms'
import { terms } from './mechanisms/setting-shapes'

const Settings = z.strictObject({
  /** Names of parties nobody may deal with. Required: sanctions lists change daily, so none is built in. */
  blocked_entities: terms.min(1),
  action: z.literal('block').default('block'),
  ...fuzzyShape,
})

/** Stops requests that name a listed party. */
export const ENTITY_LIST_FILTER: PolicyKind<z.infer<typeof Settings>> = {
  kind: 'entity-list-filter',
  version: '1',
  summary: 'Blocks requests that name a party from your own restricted list.',
  phases: ['input', 'tool'],
  settings: Settings,
  needsBlock: true,
  compile: (settings) =>
    controlledTerms(ENTITY_LIST_FILTER, settings, {
      named: configured(settings.blocked_entities, 'blocked_entities'),
      action: 'block',
      reasonCode: 'entity_list.detected',
      message: 'POLICY_VIOLATION: this request names a restricted party and was not sent.',
      explain: [
        `Blocks requests that name one of ${settings.blocked_entities.length} parties of this configuration.`,
        'No sanctions list is built in: export the names you must screen from its official source.',
      ],
    }),
}
