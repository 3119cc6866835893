import { shortenMiddle } from '@/components/ui/id-text'
import type { Activity } from '@/lib/contract/activity'

export const SOURCE_WORDS: Record<Activity['source'], string> = {
  console: 'Console',
  api: 'API',
  cli: 'kt',
  gateway: 'Gateway',
  system: 'System',
}

export const actorText = ({ actor }: Activity) => actor.name || actor.id

export const targetText = ({ target }: Activity) => target.name ?? shortenMiddle(target.id)

const SOURCE_PHRASES: Record<Activity['source'], string> = {
  console: 'in the console',
  api: 'by the API',
  cli: 'with kt',
  gateway: 'from a gateway',
  system: 'by itself',
}

/** `Ana revoked token app-production in the console.` */
export function activitySummary(entry: Activity): string {
  const where = SOURCE_PHRASES[entry.source]
  const target = `${entry.target.type} ${targetText(entry)}`
  if (entry.outcome === 'denied') return `${actorText(entry)} was refused ${target}, asked for ${where}.`
  return `${actorText(entry)} ${verbOf(entry.action)} ${target} ${where}.`
}

/** `token.revoked` -> `revoked`, `configuration.rolled_out` -> `rolled out`, `settings.security_updated` -> `updated security of`. */
function verbOf(action: string): string {
  const words = action.slice(action.indexOf('.') + 1).split('_')
  const last = words.at(-1) ?? action
  return words.length > 1 && last.endsWith('ed') ? `${last} ${words.slice(0, -1).join(' ')} of` : words.join(' ')
}
