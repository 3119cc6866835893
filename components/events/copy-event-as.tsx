import { CopyAsMenu } from '@/components/ui/copy-as-menu'
import { pythonCall } from '@/components/ui/python-call'
import type { DecisionEvent } from '@/lib/contract/events'

/** What else gives the same event: a command, a call, a link. */
export function CopyEventAs({ event }: { event: DecisionEvent }) {
  const id = event.event_id
  const { origin } = window.location
  return (
    <CopyAsMenu
      items={{
        kt: `kt events get ${id}`,
        curl: `curl -fsS -H "Authorization: Bearer $KEEPTRUSTS_API_TOKEN" "${origin}/v1/events/${encodeURIComponent(id)}"`,
        Python: pythonCall('get_event', [JSON.stringify(id)]),
        JSON: JSON.stringify(event, null, 2),
        link: `${origin}/history?open=${encodeURIComponent(id)}`,
      }}
    />
  )
}
