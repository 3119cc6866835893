import { z } from 'zod'
import { CLEAN, type Finding, type PolicyKind, type Ports, type View } from '@/lib/policy/engine/policy'
import { finding } from './mechanisms/finding'
import { ask } from './mechanisms/remote'
import { endpoint, headerName, onError } from './mechanisms/setting-shapes'

const Settings = z.strictObject({
  consent_required: z.boolean().default(true),
  /** In which the application passes on a person's consent. */
  consent_header: headerName.default('x-consent-token'),
  /** Asked with `{consent, data_categories}`; answers `{"valid": true}` or `{"valid": false}`. */
  consent_verification_endpoint: endpoint.optional(),
  /** Told `{event, user_id, at}` when a person asks for the erasure of their data. */
  erasure_webhook: endpoint.optional(),
  data_categories: z
    .array(z.enum(['personal', 'sensitive', 'biometric']))
    .max(3)
    .default(['personal']),
  retention_days: z.number().int().min(0).max(36_500).default(30),
  on_error: onError,
})
type Settings = z.infer<typeof Settings>

const TIMEOUT_MS = 3_000
const CONSENT_LENGTH_MAX = 4_096

const Verified = z.object({ valid: z.boolean() })
const Anything = z.unknown()

/** A wish about one's own data, not a question about the right to it. */
const ERASURE =
  /\b(?:delete|erase|remove|forget)\s{1,3}(?:all\s{1,3})?(?:of\s{1,3})?my\s{1,3}(?:personal\s{1,3})?(?:data|information|account|records?)\b/i

/** Consent and erasure as the GDPR asks (Regulation (EU) 2016/679, articles 7 and 17). */
export const GDPR_COMPLIANCE: PolicyKind<Settings> = {
  kind: 'gdpr-compliance',
  version: '1',
  summary: 'Requires a consent token, has it verified, passes on erasure requests and marks events.',
  phases: ['input'],
  settings: Settings,
  needsBlock: false,
  compile(settings) {
    const asksSomebody = settings.consent_verification_endpoint !== undefined || settings.erasure_webhook !== undefined
    return {
      kind: 'gdpr-compliance',
      version: '1',
      phases: ['input'],
      terms: [],
      onError: settings.on_error,
      streaming: 'buffered',
      explain: explain(settings),
      bytesMax: 262_144,
      check: (view) => decide(settings, view),
      ...(asksSomebody ? { ask: (view: View, ports: Ports) => verify(settings, view, ports) } : {}),
    }
  },
}

function decide(settings: Settings, view: View): Finding {
  const flags = [
    `gdpr.retention_days:${settings.retention_days}`,
    `gdpr.categories:${settings.data_categories.join(',')}`,
    ...(asksForErasure(view) ? ['gdpr.erasure_requested'] : []),
  ]
  const consent = consentOf(settings, view)
  if (settings.consent_required && !consent) {
    return finding({
      verdict: 'block',
      reasonCode: 'gdpr.consent_missing',
      message: `The header ${settings.consent_header} is required.`,
      flags,
    })
  }
  return { ...CLEAN, flags }
}

async function verify(settings: Settings, view: View, ports: Ports): Promise<Finding> {
  const decided = decide(settings, view)
  const consent = consentOf(settings, view)
  // A wish for erasure is passed on even where consent is missing: the right does not depend on it.
  if (settings.erasure_webhook && asksForErasure(view)) {
    await ask(ports, {
      name: 'The erasure webhook',
      url: settings.erasure_webhook,
      body: { event: 'erasure_requested', user_id: view.subject.caller.userId, at: new Date(view.nowMs).toISOString() },
      timeoutMs: TIMEOUT_MS,
      answer: Anything,
    })
  }
  if (!consent || !settings.consent_verification_endpoint) return decided
  const { valid } = await ask(ports, {
    name: 'The consent service',
    url: settings.consent_verification_endpoint,
    body: { consent, data_categories: settings.data_categories },
    timeoutMs: TIMEOUT_MS,
    answer: Verified,
  })
  if (valid) return { ...decided, flags: [...decided.flags, 'gdpr.consent_verified'] }
  const message = 'The consent of this request is not valid.'
  return { ...decided, verdict: 'block', reasonCode: 'gdpr.consent_invalid', message }
}

function consentOf({ consent_header }: Settings, { subject }: View): string | null {
  const { headers } = subject.caller
  const value = Object.hasOwn(headers, consent_header) ? headers[consent_header]?.trim() : undefined
  return value && value.length <= CONSENT_LENGTH_MAX ? value : null
}

/** Only the last thing a person said: what was said before was passed on then. */
function asksForErasure(view: View): boolean {
  const said = view.readable().filter((entry) => entry.kind === 'text' && entry.part.role === 'user')
  const last = said.at(-1)
  return said.some(({ part, index }) => part.message === last?.part.message && ERASURE.test(view.normal(index).text))
}

const explain = (settings: Settings) => [
  settings.consent_required
    ? `Blocks requests without ${settings.consent_header}.`
    : `Requests may come without ${settings.consent_header}.`,
  ...(settings.consent_verification_endpoint ? ['Has each consent verified by your service.'] : []),
  ...(settings.erasure_webhook ? ['Tells your service when a person asks for the erasure of their data.'] : []),
  `Marks events: ${settings.data_categories.join(', ')} data, ${settings.retention_days} days. Deleting is up to who keeps them.`,
]
