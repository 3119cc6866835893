import { hash } from 'node:crypto'
import { join } from 'node:path'
import { z } from 'zod'
import { Bundle } from '@/lib/contract/configurations'
import { GatewayKey, GatewaySettings } from '@/lib/contract/gateways'
import { PriceTable } from '@/lib/contract/price-shapes'
import { GatewaySpend } from '@/lib/contract/spend-shapes'
import { parseJson } from '@/lib/parse-json'
import { DISK, type Files, writeFileAtomically } from './atomic-file'
import type { PinnedKey } from './bundle'

const BUNDLES_KEPT = 3

const Pin = z.object({ kid: z.string(), public_key: z.string() })

/** What was true when the control plane was last heard. `saved_at_ms` is this machine's clock. */
const Keyring = z.object({
  org_id: z.string(),
  settings: GatewaySettings,
  keys_revision: z.number().int(),
  keys: z.array(GatewayKey),
  /** The control plane's clock minus this machine's, in milliseconds. */
  clock_offset_ms: z.number(),
})
export type Keyring = z.infer<typeof Keyring>

const Contact = z.object({ at_ms: z.number() })

/**
 * What a gateway needs to start without its control plane: the trusted key, the last three bundles, key hashes,
 * settings, prices and budgets. Every file carries its SHA-256 and is replaced in one step; a damaged one counts as absent.
 *
 * Secrets of callers are not in it, only hashes; provider secrets are never written.
 */
export class LastKnownGood {
  constructor(
    private readonly directory: string,
    private readonly onDamage: (file: string) => void,
    private readonly files: Files = DISK,
  ) {}

  async open(): Promise<void> {
    await this.files.mkdir(this.#bundles, { recursive: true, mode: 0o700 })
  }

  readPin = (): Promise<PinnedKey | null> => this.#read('trusted-key', Pin)
  writePin = (pin: PinnedKey): Promise<void> => this.#write('trusted-key', pin, true)

  readKeyring = (): Promise<Keyring | null> => this.#read('keyring', Keyring)
  writeKeyring = (keyring: Keyring): Promise<void> => this.#write('keyring', keyring, true)

  readPrices = (): Promise<PriceTable | null> => this.#read('prices', PriceTable)
  writePrices = (prices: PriceTable): Promise<void> => this.#write('prices', prices, false)

  /** Without it, a start while the control plane is away would know no budgets. */
  readSpend = (): Promise<GatewaySpend | null> => this.#read('spend', GatewaySpend)
  writeSpend = (spend: GatewaySpend): Promise<void> => this.#write('spend', spend, true)

  /** When the control plane was last heard, in milliseconds of this machine's clock; null when never. */
  readContactMs = async (): Promise<number | null> => (await this.#read('contact', Contact))?.at_ms ?? null
  writeContactMs = (at_ms: number): Promise<void> => this.#write('contact', { at_ms }, false)

  /** Newest first. Whoever reads them verifies them again: the disk is not trusted. */
  async readBundles(): Promise<Bundle[]> {
    const names = await this.#bundleNames()
    const bundles = await Promise.all(names.map((name) => this.#read(join('bundles', name), Bundle)))
    return bundles.filter((bundle) => bundle !== null)
  }

  async writeBundle(generation: number, bundle: Bundle): Promise<void> {
    await this.#write(join('bundles', String(generation).padStart(16, '0')), bundle, true)
    for (const name of (await this.#bundleNames()).slice(BUNDLES_KEPT)) {
      await this.files.unlink(join(this.#bundles, name))
    }
  }

  async #bundleNames(): Promise<string[]> {
    return (await this.files.readdir(this.#bundles))
      .filter((name) => /^\d{16}$/.test(name))
      .sort()
      .reverse()
  }

  async #write(name: string, value: unknown, durable: boolean): Promise<void> {
    const body = JSON.stringify(value)
    await writeFileAtomically(
      join(this.directory, name),
      `${hash('sha256', body, 'hex')}\n${body}`,
      durable,
      this.files,
    )
  }

  async #read<S extends z.ZodType>(name: string, schema: S): Promise<z.output<S> | null> {
    const content = await this.files.readFile(join(this.directory, name), 'utf8').catch((cause: unknown) => {
      if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return null
      throw cause
    })
    if (content === null) return null
    const body = content.slice(65)
    const parsed = content.slice(0, 65) === `${hash('sha256', body, 'hex')}\n` ? schema.safeParse(jsonOf(body)) : null
    if (parsed?.success) return parsed.data
    this.onDamage(join(this.directory, name))
    return null
  }

  get #bundles(): string {
    return join(this.directory, 'bundles')
  }
}

function jsonOf(text: string): unknown {
  try {
    return parseJson(text)
  } catch {
    return undefined // no schema takes it, so it is reported as damage
  }
}
