import { httpTarget, startTestGateway } from '../testing'

export type ProviderGateway = {
  url: string
  /** For clients that ask it. */
  key: string
  close(): Promise<void>
}

/** What the tests' clients ask for, whatever the provider calls it. */
const ASKED_FOR = ['m', 'gpt-4o', 'claude-sonnet-4-5']

/** A gateway whose only target is `provider` at `baseUrl`, which calls its model `model`. */
export async function serveProvider(provider: string, baseUrl: string, model: string): Promise<ProviderGateway> {
  const target = httpTarget(baseUrl, {
    provider,
    modelMap: new Map(ASKED_FOR.map((name) => [name, model])),
    aws: provider === 'bedrock' ? { region: 'us-east-1', accessKeyId: 'AKIDTEST', sessionToken: null } : null,
  })
  const gateway = await startTestGateway({ targets: [target] })
  return { url: gateway.url, key: gateway.addKey(), close: () => gateway.close() }
}
