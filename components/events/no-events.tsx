import { exampleCall } from '@/components/gateways/example-call'
import { useGatewayUrl } from '@/components/shell/gateway-url-context'
import { CodeBlock } from '@/components/ui/code-block'
import { EmptyState } from '@/components/ui/empty-state'

/** What History is and how its first row comes to be. */
export function NoEvents({ rangeText }: { rangeText: string }) {
  return (
    <EmptyState
      title={`No events (${rangeText})`}
      action={
        <CodeBlock code={exampleCall(useGatewayUrl())} what="a governed request" className="max-w-full text-left" />
      }
      command="kt events tail"
    >
      Every request that passes a gateway leaves one event here, with its verdict, within a second. Send the first one
      with the secret of a gateway key in KEEPTRUSTS_GATEWAY_KEY:
    </EmptyState>
  )
}
