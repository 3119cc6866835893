import type { Diagnostic } from '@/lib/contract/configurations'
import { nearestName } from '../nearest-name'
import type { Path, readYaml } from '../yaml-source'
import { isOpen, isPrivate, reasonAgainst } from './base-url'
import { KNOWN_PROVIDERS, LOCAL_PROVIDERS } from './known-providers'
import type { TargetConfig } from './target'

type Finder = (key: string, code: string, message: string, suggestion?: string | null) => void

/** What the keys of one target mean together. */
export function meaningOfTarget(target: TargetConfig, path: Path, source: ReturnType<typeof readYaml>): Diagnostic[] {
  const found: Diagnostic[] = []
  const report: Finder = (key, code, message, suggestion) => {
    const severity = code.startsWith('W') ? 'warning' : 'error'
    found.push(source.locate([...path, key], { severity, code, message, suggestion }))
  }
  if (target.model !== undefined && target.models !== undefined) {
    report('models', 'E010', 'Write "model" for one model or "models" for several, not both.')
  }
  if (target.models && new Set(target.models).size < target.models.length) {
    report('models', 'E005', 'A model is listed twice.')
  }
  if (target.provider === 'sandbox') {
    for (const key of SANDBOX_TAKES_NO) {
      if (target[key] !== undefined)
        report(key, 'E010', `The sandbox answers inside the gateway and takes no "${key}".`)
    }
    return found
  }
  meaningOfSecrets(target, report)
  meaningOfAddress(target, report)
  meaningOfCloud(target, report)
  return found
}

const SANDBOX_TAKES_NO = [
  'base_url',
  'secret_key_ref',
  'secret_key_refs',
  'api_key_header',
  'api_key_prefix',
  'headers',
] as const

function meaningOfSecrets(target: TargetConfig, report: Finder): void {
  if (target.secret_key_ref && target.secret_key_refs) {
    report(
      'secret_key_refs',
      'E010',
      'Write "secret_key_ref" for one secret or "secret_key_refs" for several, not both.',
    )
  }
  const refs = (target.secret_key_refs ?? []).map(({ env }) => env)
  if (new Set(refs).size < refs.length) report('secret_key_refs', 'E005', 'A secret is listed twice.')
  const names = Object.keys(target.headers ?? {}).map((name) => name.toLowerCase())
  if (new Set(names).size < names.length) {
    report('headers', 'E005', 'A header is written twice: their names ignore case.')
  }
  const known = KNOWN_PROVIDERS.get(target.provider)
  const keyHeader = (target.api_key_header ?? known?.apiKeyHeader ?? 'authorization').toLowerCase()
  if ((target.secret_key_ref || target.secret_key_refs) && names.includes(keyHeader)) {
    report('headers', 'E010', `"${keyHeader}" is written by secret_key_ref; remove one of the two.`)
  } else if (names.some((name) => /^(authorization|api-key|x-api-key|x-goog-api-key|cookie)$/.test(name))) {
    const message = 'A secret in this file can be read by everybody who may read configurations: use secret_key_ref.'
    report('headers', 'W002', message)
  }
}

function meaningOfAddress(target: TargetConfig, report: Finder): void {
  const known = KNOWN_PROVIDERS.get(target.provider)
  const isBedrock = target.provider === 'bedrock'
  if (target.base_url === undefined) {
    if (LOCAL_PROVIDERS.has(target.provider) && !target.allow_private_network) {
      const message = `"${target.provider}" answers on this machine: write allow_private_network: true, or a base_url elsewhere.`
      report('provider', 'E007', message)
    }
    if (known?.baseUrl == null && !isBedrock) {
      const names = [...KNOWN_PROVIDERS.keys()]
      const suggestion = known ? null : nearestName(target.provider, names)
      const hint = known
        ? ''
        : `: only ${names.filter((name) => KNOWN_PROVIDERS.get(name)?.baseUrl).join(', ')} have a known address`
      report('provider', 'E007', `The provider "${target.provider}" needs a "base_url"${hint}.`, suggestion)
    }
    return
  }
  const reason = reasonAgainst(target.base_url)
  if (reason) {
    report('base_url', 'E008', `"base_url": ${reason}.`)
    return
  }
  const url = new URL(target.base_url)
  if (isOpen(url)) report('base_url', 'W002', 'Requests and secrets travel unencrypted: use https.')
  if (isPrivate(url) && !target.allow_private_network) {
    const message =
      'This address is not on the internet: write allow_private_network: true, so that nobody reaches your network by accident.'
    report('base_url', 'E011', message)
  }
}

function meaningOfCloud(target: TargetConfig, report: Finder): void {
  const only = (keys: readonly (keyof TargetConfig)[], provider: string) => {
    for (const key of keys) {
      if (target[key] !== undefined && target.provider !== provider) {
        report(key, 'E010', `"${key}" is for targets with the provider "${provider}".`)
      }
    }
  }
  only(['region', 'aws_access_key_id_ref', 'aws_session_token_ref'], 'bedrock')
  only(['azure_api_version', 'azure_deployment'], 'azure-openai')
  if (target.provider !== 'bedrock') return
  if (target.region === undefined) report('provider', 'E007', 'A "bedrock" target needs a "region".')
  if (target.secret_key_refs) {
    report('secret_key_refs', 'E010', 'A "bedrock" target signs with one key: use "secret_key_ref".')
  }
}
