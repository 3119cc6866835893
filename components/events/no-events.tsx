import { CodeBlock } from '@/components/ui/code-block'
import { EmptyState } from '@/components/ui/empty-state'

const FIRST_REQUEST = `curl -fsS http://localhost:41002/v1/chat/completions \\
-H "Authorization: Bearer $KEEPTRUSTS_GATEWAY_KEY" \\
-H "Content-Type: application/json" \\
-d '{
"model": "gpt-5.4-mini",
"messages": [
{"role": "user", "content": "Summarize the latest blocked decisions."}
]
}'`

/** What History is and how its first row comes to be. */
export function NoEvents({ rangeText }: { rangeText: string }) {
  return (
    <EmptyState
      title={`No events (${rangeText})`}
      action={<CodeBlock code={FIRST_REQUEST} what="a governed request" className="max-w-full text-left" />}
      command="kt events tail"
    >
      Every request that passes a gateway leaves one event here, with its verdict, within a second. Send the first one
      to your gateway’s address, with a gateway key:
    </EmptyState>
  )
}
