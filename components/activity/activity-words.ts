import type { Activity } from '@/lib/contract/activity'

export const SOURCE_WORDS: Record<Activity['source'], string> = {
  console: 'Console',
  api: 'API',
  cli: 'kt',
  gateway: 'Gateway',
  system: 'System',
}

export const actorText = ({ actor }: Activity) => actor.name || actor.id

export const targetText = ({ target }: Activity) => target.name ?? target.id

/** `Ana revoked token app-production from the console.` in the words of the record. */
export function activitySummary(entry: Activity): string {
  const verb = entry.outcome === 'denied' ? 'was refused' : 'did'
  return `${actorText(entry)} ${verb} ${entry.action} on ${entry.target.type} ${targetText(entry)}, by ${SOURCE_WORDS[entry.source]}.`
}
