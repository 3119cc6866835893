'use client'

import { Download } from 'lucide-react'
import { useEffect, useState } from 'react'
import { useGatewayUrl } from '@/components/shell/gateway-url-context'
import { Button } from '@/components/ui/button'
import { Callout } from '@/components/ui/callout'
import { CodeBlock } from '@/components/ui/code-block'
import { CopyButton } from '@/components/ui/copy-button'
import { Dialog, DialogContent } from '@/components/ui/dialog'
import type { Token } from '@/lib/contract/tokens'
import { envFile, testCall } from './token-snippets'

export type ShownSecret = {
  key: string
  token: Token
  /** What gateways serve, for the test call. */
  models: readonly string[]
}

/** The only time a secret is seen. Leaving without having taken it asks first. */
export function SecretDialog({ secret, onClose }: { secret: ShownSecret; onClose: () => void }) {
  const { key, token } = secret
  const gatewayUrl = useGatewayUrl()
  const [isTaken, setIsTaken] = useState(false)
  const [isAsking, setIsAsking] = useState(false)
  useLeaveWarning(!isTaken)

  const leave = () => (isTaken || isAsking ? onClose() : setIsAsking(true))
  const download = () => {
    saveText(`${token.name}.env`, envFile(secret, gatewayUrl))
    setIsTaken(true)
  }
  return (
    <Dialog open onOpenChange={(open) => !open && leave()}>
      <DialogContent
        title={`Save the secret of ${token.name}`}
        description="It is shown here once and stored nowhere: only its hash is kept."
        className="max-w-xl"
        onInteractOutside={(event) => event.preventDefault()}
        footer={
          isAsking ? (
            <>
              <p role="alert" className="w-full text-danger-text text-sm">
                You have not copied it. Close anyway?
              </p>
              <Button onClick={() => setIsAsking(false)}>Keep open</Button>
              <Button variant="danger" onClick={onClose}>
                Close without copying
              </Button>
            </>
          ) : (
            <Button variant={isTaken ? 'primary' : 'outline'} onClick={leave}>
              Done
            </Button>
          )
        }
      >
        <div className="flex flex-col gap-4">
          <div className="flex flex-col gap-2">
            <output
              aria-label="Secret"
              data-testid="secret"
              className="select-all break-all rounded-md border border-border-input bg-sunken px-3 py-2 font-mono text-sm"
            >
              {key}
            </output>
            <div className="flex flex-wrap gap-2">
              <CopyButton text={key} what="secret" label="Copy secret" onCopied={() => setIsTaken(true)} />
              <Button size="sm" onClick={download}>
                <Download /> Download .env
              </Button>
            </div>
          </div>
          <div className="flex flex-col gap-1.5">
            <h3 className="font-medium text-sm">Try it</h3>
            <CodeBlock code={testCall(secret, window.location.origin, gatewayUrl)} what="test call" />
          </div>
          <Callout>Keep it in a secret manager or an environment variable, never in version control.</Callout>
        </div>
      </DialogContent>
    </Dialog>
  )
}

/** The browser asks before the page goes away while the secret has not been taken. */
function useLeaveWarning(isActive: boolean) {
  useEffect(() => {
    if (!isActive) return
    const listener = (event: BeforeUnloadEvent) => event.preventDefault()
    window.addEventListener('beforeunload', listener)
    return () => window.removeEventListener('beforeunload', listener)
  }, [isActive])
}

function saveText(name: string, text: string) {
  const url = URL.createObjectURL(new Blob([text], { type: 'text/plain' }))
  const link = document.createElement('a')
  link.href = url
  link.download = name
  link.click()
  URL.revokeObjectURL(url)
}
