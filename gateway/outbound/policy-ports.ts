import type { CompileEnvironment } from '@/lib/policy/compile'
import { readSecret } from '@/lib/policy/compile-target'
import type { Ports } from '@/lib/policy/engine/policy'
import type { SnapshotStore } from '../snapshot'
import type { OutboundClient } from './outbound-client'

/**
 * What policies may use that ask somebody else: the guarded client, and secrets of this gateway's environment. A host of
 * this machine or network is asked only when the configuration in force names it (`network.private_hosts`).
 */
export function policyPorts(client: OutboundClient, store: SnapshotStore, environment: CompileEnvironment): Ports {
  return {
    postJson(url, body, options) {
      const hosts = store.current.config?.compiled.network.privateHosts ?? []
      const host = URL.canParse(url) ? new URL(url).host : ''
      return client.postJson(url, body, { ...options, allowPrivateNetwork: hosts.includes(host) })
    },
    secret: (ref) => ('env' in ref ? readSecret(ref, environment).secret : null),
  }
}
