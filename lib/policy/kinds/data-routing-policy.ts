import { z } from 'zod'
import type { PolicyKind } from '@/lib/policy/engine/policy'
import type { TargetFacts } from '@/lib/policy/engine/subject'
import { finding } from './mechanisms/finding'
import { onError } from './mechanisms/setting-shapes'

const Settings = z.strictObject({
  require_zero_data_retention: z.boolean().default(false),
  require_no_training: z.boolean().default(false),
  /** Longest retention by a provider, in days; one that states none does not comply. */
  max_retention_days: z.number().int().min(0).max(36_500).optional(),
  on_no_compliant_provider: z.literal('block').default('block'),
  log_provider_selection: z.boolean().default(true),
  on_error: onError,
})
type Settings = z.infer<typeof Settings>

/** Ids beyond this many characters are counted, not listed, because a flag is a short text. */
const LISTED_LENGTH_MAX = 150

/** Sends data only to providers whose stated data policy allows it. */
export const DATA_ROUTING_POLICY: PolicyKind<Settings> = {
  kind: 'data-routing-policy',
  version: '1',
  summary: 'Routes only to providers whose data policy complies, and blocks when there is none.',
  phases: ['input'],
  settings: Settings,
  needsBlock: true,
  compile: (settings) => ({
    kind: 'data-routing-policy',
    version: '1',
    phases: ['input'],
    terms: [],
    onError: settings.on_error,
    streaming: 'buffered',
    explain: explain(settings),
    bytesMax: 0,
    check({ subject }) {
      const targets = subject.targets.filter((target) => complies(settings, target)).map(({ id }) => id)
      const left = subject.targets.length - targets.length
      const flags = settings.log_provider_selection
        ? [`data_routing.kept:${listed(targets)}`, ...(left > 0 ? [`data_routing.excluded:${left}`] : [])]
        : []
      if (targets.length > 0) return finding({ targets, flags })
      return finding({
        verdict: 'block',
        reasonCode: 'data_routing.no_compliant_provider',
        message: 'No configured provider meets the data policy of this gateway.',
        targets,
        flags,
      })
    },
  }),
}

function complies(settings: Settings, { dataPolicy }: TargetFacts): boolean {
  const { zeroDataRetention, trainingOptOut } = dataPolicy
  const retentionDays = zeroDataRetention ? 0 : dataPolicy.retentionDays
  if (settings.require_zero_data_retention && !zeroDataRetention) return false
  if (settings.require_no_training && !trainingOptOut) return false
  return (
    settings.max_retention_days === undefined ||
    (retentionDays !== null && retentionDays <= settings.max_retention_days)
  )
}

function listed(ids: readonly string[]): string {
  let text = ''
  for (const [index, id] of ids.entries()) {
    if (text.length + id.length > LISTED_LENGTH_MAX) return `${text},+${ids.length - index}`
    text = index === 0 ? id : `${text},${id}`
  }
  return text
}

const explain = (settings: Settings) => [
  ...(settings.require_zero_data_retention ? ['Only providers that keep nothing.'] : []),
  ...(settings.require_no_training ? ['Only providers that do not train on the data.'] : []),
  ...(settings.max_retention_days === undefined
    ? []
    : [`Only providers that keep data for at most ${settings.max_retention_days} days.`]),
  'What a provider does is taken from data_policy of its target; nothing here can check it.',
]
