import { hash } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Bundle } from '@/lib/contract/configurations'
import { BundleError, type BundleExpectation, choosePin, compileBundle, verifyBundle } from './bundle'
import { BundleSigner, STARTER_YAML } from './fake-control-plane'

const signer = new BundleSigner()
const GOOD = signer.bundle()
const expected = (change: Partial<BundleExpectation> = {}): BundleExpectation => ({
  pinned: { kid: signer.kid, public_key: signer.publicKey },
  gatewayId: 'gw_test',
  orgId: 'org_test',
  running: null,
  gatewayVersion: '0.1.0',
  ...change,
})

function take(bundle: Bundle, change: Partial<BundleExpectation> = {}) {
  try {
    const verified = verifyBundle(bundle, expected(change))
    return { applied: compileBundle(verified, {}), code: null }
  } catch (thrown) {
    if (!(thrown instanceof BundleError)) throw thrown
    return { applied: null, code: thrown.code }
  }
}

/** Signed by the right key over what a test wants it to say. */
const signed = (change: object) => {
  const payload = JSON.parse(Buffer.from(GOOD.payload, 'base64').toString('utf8'))
  return signer.sign(Buffer.from(JSON.stringify({ ...payload, ...change })))
}

describe('a bundle', () => {
  test('is applied when everything about it is right', () => {
    expect(take(GOOD).applied?.pack).toEqual({ name: 'starter', version: '0.1.0', enabled: true })
  })

  test('with any character of payload, signature or key id changed is never applied (600 mutations)', () => {
    const field = fc.constantFrom('payload' as const, 'signature' as const, 'kid' as const)
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=-_ \n'
    const mutation = fc.tuple(
      field,
      fc.nat(),
      fc.constantFrom('replace', 'insert', 'delete'),
      fc.constantFrom(...alphabet),
    )
    fc.assert(
      fc.property(mutation, ([name, at, how, character]) => {
        const text = GOOD[name]
        const index = at % text.length
        const middle = how === 'delete' ? '' : how === 'insert' ? character + text.charAt(index) : character
        const mutated = text.slice(0, index) + middle + text.slice(index + 1)
        fc.pre(mutated !== text)
        expect(take({ ...GOOD, [name]: mutated }).applied).toBeNull()
      }),
      { numRuns: 600 },
    )
  })

  test('with any byte of its payload changed is never applied, whatever the signature was made for (300 mutations)', () => {
    const bytes = Buffer.from(GOOD.payload, 'base64')
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), (at, flip) => {
        const mutated = Buffer.from(bytes)
        mutated[at] = (mutated[at] ?? 0) ^ flip
        expect(take({ ...GOOD, payload: mutated.toString('base64') }).applied).toBeNull()
      }),
      { numRuns: 300 },
    )
  })

  test('in a second spelling of the same base64 is refused', () => {
    expect(take({ ...GOOD, signature: `${GOOD.signature}\n` }).code).toBe('bundle_malformed')
    expect(take({ ...GOOD, signature: GOOD.signature.replaceAll('=', '') }).code).toBe('bundle_malformed')
  })

  test('signed by another key is refused, under its own key id and under the trusted one', () => {
    const stranger = new BundleSigner().bundle()
    expect(take(stranger).code).toBe('bundle_key_not_trusted')
    expect(take({ ...stranger, kid: signer.kid }).code).toBe('bundle_signature_invalid')
  })

  test.each([
    ['for another gateway', { gateway_id: 'gw_other' }, 'bundle_for_another_gateway'],
    ['of another organisation', { org_id: 'org_other' }, 'bundle_for_another_gateway'],
    ['of a later format', { format: 2 }, 'bundle_malformed'],
    ['with an unknown field', { surprise: true }, 'bundle_malformed'],
    ['for a newer gateway', { min_gateway_version: '0.2.0' }, 'gateway_too_old'],
    ['whose minimum version is none', { min_gateway_version: 'soon' }, 'bundle_malformed'],
  ])('%s is refused although its signature is right', (_, change, code) => {
    expect(take(signed(change))).toEqual({ applied: null, code })
  })

  test('whose YAML is not what its hash says is refused', () => {
    const yaml = STARTER_YAML('0.1.0')
    const configuration = {
      id: 'cfg_test',
      name: 'starter',
      version: '0.1.0',
      sha256: hash('sha256', 'other', 'hex'),
      yaml,
    }
    expect(take(signed({ configuration })).code).toBe('bundle_hash_mismatch')
  })

  test('with an invalid configuration, or another version than it says, is refused', () => {
    expect(take(signer.bundle({}, 'pack: {}', '0.1.0')).code).toBe('configuration_invalid')
    expect(take(signer.bundle({}, STARTER_YAML('0.2.0'), '0.1.0')).code).toBe('configuration_invalid')
  })

  test('must be newer than the running one, or the very same', () => {
    const sha256 = hash('sha256', Buffer.from(GOOD.payload, 'base64'), 'hex')
    expect(take(GOOD, { running: { generation: 2, sha256 } }).code).toBe('bundle_outdated')
    expect(take(GOOD, { running: { generation: 1, sha256: 'other' } }).code).toBe('bundle_outdated')
    expect(take(GOOD, { running: { generation: 1, sha256 } }).code).toBeNull()
    expect(take(signed({ generation: 2 }), { running: { generation: 1, sha256 } }).code).toBeNull()
  })

  test('a gateway that is newer than needed takes it', () => {
    expect(take(GOOD, { gatewayVersion: '1.0.0-beta.1' }).code).toBeNull()
    expect(take(GOOD, { gatewayVersion: '0.0.9' }).code).toBe('gateway_too_old')
  })
})

describe('the key to trust', () => {
  const other = new BundleSigner()
  const keyOf = ({ kid, publicKey }: BundleSigner) => ({ kid, public_key: publicKey })
  const state = { bundle: GOOD, signing_keys: [keyOf(other), keyOf(signer)] }

  test('is the one that signed the first bundle', () => {
    expect(choosePin(state, undefined).kid).toBe(signer.kid)
  })

  test('is the one that the operator names, by key id or whole fingerprint', () => {
    const fingerprint = hash('sha256', Buffer.from(other.publicKey, 'base64'), 'hex')
    expect(choosePin(state, fingerprint.slice(0, 32)).kid).toBe(other.kid)
    expect(choosePin(state, fingerprint.toUpperCase()).kid).toBe(other.kid)
    expect(() => choosePin(state, '0'.repeat(32))).toThrow(BundleError)
  })

  test('is never one that is sent under the id of another', () => {
    const lying = { bundle: GOOD, signing_keys: [{ kid: signer.kid, public_key: other.publicKey }] }
    expect(() => choosePin(lying, undefined)).toThrow(BundleError)
  })
})
