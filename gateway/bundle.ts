import { createPublicKey, hash, verify } from 'node:crypto'
import { type Bundle, BundlePayload, type RuntimeState } from '@/lib/contract/configurations'
import { parseJson } from '@/lib/parse-json'
import { type CompiledConfig, type CompileEnvironment, compileConfig } from '@/lib/policy/compile'
import { lintPolicyConfig } from '@/lib/policy/config'

export type BundleErrorCode =
  | 'bundle_malformed'
  | 'bundle_key_not_trusted'
  | 'bundle_signature_invalid'
  | 'bundle_for_another_gateway'
  | 'bundle_outdated'
  | 'bundle_hash_mismatch'
  | 'gateway_too_old'
  | 'configuration_invalid'
  | 'probe_failed'
  | 'no_usable_target'

/** Why a bundle is not applied. Reported to the control plane as it is. */
export class BundleError extends Error {
  override readonly name = 'BundleError'

  constructor(
    readonly code: BundleErrorCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options)
  }
}

/** The one key whose signatures this gateway believes. SPKI DER, base64. */
export type PinnedKey = { kid: string; public_key: string }

/** SHA-256 of the payload bytes: the same generation must always be the same bytes. */
export type AppliedBundle = { generation: number; sha256: string }

export type BundleExpectation = {
  pinned: PinnedKey
  gatewayId: string
  /** null before the first bundle: its organisation is then the gateway's. */
  orgId: string | null
  running: AppliedBundle | null
  gatewayVersion: string
}

export type VerifiedBundle = { payload: BundlePayload; sha256: string }

/** 5,000,000 bytes in base64: a configuration has 1 MiB at most, and JSON makes no text five times as long. */
const PAYLOAD_BASE64_MAX = Math.ceil(5_000_000 / 3) * 4

/**
 * Everything about a bundle that can be known before it is compiled: who signed it, for whom, and whether it is newer.
 *
 * Base64 must be canonical, so that no second spelling of an accepted bundle exists.
 *
 * @throws BundleError
 */
export function verifyBundle(bundle: Bundle, expected: BundleExpectation): VerifiedBundle {
  const { pinned, gatewayId, orgId, running, gatewayVersion } = expected
  if (bundle.kid !== pinned.kid) {
    throw new BundleError(
      'bundle_key_not_trusted',
      `Signed with key ${bundle.kid.slice(0, 64)}, but this gateway trusts ${pinned.kid} only. If the signing key was replaced on purpose, start the gateway with --trust-key.`,
    )
  }
  if (bundle.payload.length > PAYLOAD_BASE64_MAX) throw new BundleError('bundle_malformed', 'Larger than 5 MB.')
  const bytes = canonicalBase64(bundle.payload, 'payload')
  const signature = canonicalBase64(bundle.signature, 'signature')
  if (!verify(null, bytes, publicKeyOf(pinned), signature)) {
    throw new BundleError('bundle_signature_invalid', 'The signature does not match.')
  }
  const payload = parsePayload(bytes)
  if (payload.gateway_id !== gatewayId || (orgId !== null && payload.org_id !== orgId)) {
    throw new BundleError('bundle_for_another_gateway', `Made for gateway ${payload.gateway_id} of ${payload.org_id}.`)
  }
  const sha256 = hash('sha256', bytes, 'hex')
  if (running && payload.generation < running.generation) {
    const message = `Generation ${payload.generation} is older than generation ${running.generation}, which was applied before.`
    throw new BundleError('bundle_outdated', message)
  }
  if (running && payload.generation === running.generation && sha256 !== running.sha256) {
    throw new BundleError(
      'bundle_outdated',
      `Generation ${payload.generation} was applied before with another content.`,
    )
  }
  if (hash('sha256', payload.configuration.yaml, 'hex') !== payload.configuration.sha256) {
    throw new BundleError('bundle_hash_mismatch', 'The configuration does not match its SHA-256.')
  }
  if (isOlder(gatewayVersion, payload.min_gateway_version)) {
    const message = `Needs gateway ${payload.min_gateway_version} or newer; this is ${gatewayVersion}.`
    throw new BundleError('gateway_too_old', message)
  }
  return { payload, sha256 }
}

/**
 * Lint, compile, probe: the last checks before a bundle is swapped in.
 *
 * @throws BundleError
 */
export function compileBundle({ payload }: VerifiedBundle, environment: CompileEnvironment): CompiledConfig {
  const { config, diagnostics } = lintPolicyConfig(payload.configuration.yaml)
  if (!config) {
    const first = diagnostics.find((diagnostic) => diagnostic.severity === 'error')
    throw new BundleError(
      'configuration_invalid',
      `${first?.code} line ${first?.line}: ${first?.message}`.slice(0, 500),
    )
  }
  if (config.pack.version !== payload.configuration.version) {
    const message = `The bundle says version ${payload.configuration.version}, the file in it ${config.pack.version}.`
    throw new BundleError('configuration_invalid', message)
  }
  const compiled = compileConfig(config, environment, { clock: () => performance.now() })
  probe(compiled)
  return compiled
}

/** A dry run: what every request to a target will send is put together once. */
export function probe(compiled: CompiledConfig): void {
  for (const target of compiled.targets) {
    try {
      const headers = new Headers(target.headers)
      if (target.secret) headers.set(target.apiKeyHeader, target.apiKeyPrefix + target.secret)
      if (target.baseUrl) new Request(target.baseUrl, { headers })
    } catch (cause) {
      throw new BundleError('probe_failed', `A request to the target ${target.id} cannot be put together.`, { cause })
    }
  }
}

/**
 * A version that leaves a serving gateway nothing to serve with is a mistake until it is said in another way: take the
 * keys away, or stop the gateway.
 *
 * @throws BundleError `no_usable_target`
 */
export function mustKeepServing(running: CompiledConfig, next: CompiledConfig): void {
  const canServe = ({ targets }: CompiledConfig) => targets.some(({ unavailable }) => unavailable === null)
  if (!canServe(running) || canServe(next)) return
  const why = next.targets[0]?.unavailable
  const message = why
    ? `None of its targets can be used here, such as ${next.targets[0]?.id}: ${why}`
    : 'It has no targets.'
  throw new BundleError('no_usable_target', `${message} The running version can serve.`.slice(0, 500))
}

/**
 * The key to pin: the one that signed the first bundle, or the one that `trustKey` names.
 *
 * @param trustKey the key id (32 hex digits), or the whole SHA-256 of the SPKI (64)
 * @throws BundleError when none fits, or a key does not have the id under which it is sent
 */
export function choosePin(
  state: Pick<RuntimeState, 'bundle' | 'signing_keys'>,
  trustKey: string | undefined,
): PinnedKey {
  const wanted = trustKey?.toLowerCase() ?? state.bundle?.kid
  const found = state.signing_keys.find(({ public_key }) => {
    const fingerprint = hash('sha256', Buffer.from(public_key, 'base64'), 'hex')
    return wanted !== undefined && (wanted === fingerprint || wanted === fingerprint.slice(0, 32))
  })
  if (!found) {
    const message = `The control plane has no signing key ${wanted ?? '(no bundle was signed yet)'}.`
    throw new BundleError('bundle_key_not_trusted', message)
  }
  const kid = hash('sha256', Buffer.from(found.public_key, 'base64'), 'hex').slice(0, 32)
  return { kid, public_key: found.public_key }
}

function publicKeyOf({ public_key }: PinnedKey) {
  try {
    const key = createPublicKey({ key: Buffer.from(public_key, 'base64'), format: 'der', type: 'spki' })
    if (key.asymmetricKeyType === 'ed25519') return key
  } catch (cause) {
    throw new BundleError('bundle_key_not_trusted', 'The trusted key cannot be read.', { cause })
  }
  throw new BundleError('bundle_key_not_trusted', 'The trusted key is not an Ed25519 key.')
}

function canonicalBase64(text: string, name: string): Buffer {
  const bytes = Buffer.from(text, 'base64')
  if (bytes.toString('base64') === text) return bytes
  throw new BundleError('bundle_malformed', `The ${name} is not canonical base64.`)
}

function parsePayload(bytes: Buffer): BundlePayload {
  try {
    return BundlePayload.parse(parseJson(bytes.toString('utf8')))
  } catch (cause) {
    throw new BundleError('bundle_malformed', 'The payload does not have the shape of format 1.', { cause })
  }
}

/** By major, minor and patch; a pre-release counts as its release. */
function isOlder(version: string, minimum: string): boolean {
  const [ours, theirs] = [version, minimum].map((text) => /^(\d+)\.(\d+)\.(\d+)/.exec(text)?.slice(1).map(Number))
  if (!ours || !theirs) throw new BundleError('bundle_malformed', `"${minimum}" is not a version.`)
  const at = ours.findIndex((part, index) => part !== theirs[index])
  return at !== -1 && (ours[at] ?? 0) < (theirs[at] ?? 0)
}
