import { z } from 'zod'
import { CLEAN, type Finding, type PolicyKind, type View } from '@/lib/policy/engine/policy'
import { finding } from './mechanisms/finding'
import { patternSearch } from './mechanisms/pattern-search'
import { headerName, onError } from './mechanisms/setting-shapes'
import { anyGlobMatches } from './tool-glob'

/** From least to most sensitive. */
const SENSITIVITIES = ['public', 'internal', 'confidential', 'restricted'] as const
type Sensitivity = (typeof SENSITIVITIES)[number]

const roleName = z.string().trim().min(1).max(100)
const toolGlobs = z.array(z.string().min(1).max(200)).max(500)

const Settings = z.strictObject({
  /** Headers that every request must carry with something in them. */
  deny_if_missing: z.array(headerName).max(50).default([]),
  /** Only callers whose key the gateway has verified. */
  require_auth: z.boolean().default(false),
  /** By role, as it stands in `role_header`. Without `allowed_tools` every tool is allowed that is not denied. */
  roles: z
    .record(roleName, z.strictObject({ allowed_tools: toolGlobs.optional(), denied_tools: toolGlobs.default([]) }))
    .default({}),
  data_access: z.record(roleName, z.strictObject({ max_sensitivity: z.enum(SENSITIVITIES) })).default({}),
  minimum_necessary: z
    .strictObject({ enabled: z.boolean().default(false), allowed_phi_roles: z.array(roleName).max(100).default([]) })
    .prefault({}),
  role_header: headerName.default('x-user-role'),
  /** In which the application says how sensitive the request is; markings in the text can only raise it. */
  sensitivity_header: headerName.default('x-data-sensitivity'),
  on_error: onError,
})
type Settings = z.infer<typeof Settings>

/** Document markings: in capitals, alone on a line or after a label, so that talking about them is not one. */
const MARKINGS = patternSearch(
  (['restricted', 'confidential', 'internal'] as const).map((level) => ({
    rule: level,
    source: String.raw`(?m:^[ \t*#\[(]*(?:(?:data )?(?:classification|sensitivity)[ \t]*[:=][ \t]*)?${level}(?: only| use only)?[ \t*\])]*$)|\b(?:classification|sensitivity)[ \t]*[:=][ \t]*${level}\b`,
  })),
)

/** Signs of health data about a person. */
const HEALTH = patternSearch([
  {
    rule: 'phi.record_number',
    source: String.raw`\b(?:MRN|medical record (?:number|no\.?)|patient id)\b[ \t:#]{0,4}[A-Z0-9-]{4,20}`,
  },
  {
    rule: 'phi.patient_condition',
    source: String.raw`\bpatient\b[^.\n]{0,100}\b(?:diagnos(?:ed|is)|prescribed|admitted|treated for|suffers? from|tested positive)\b`,
  },
  { rule: 'phi.icd', source: String.raw`\bICD-?(?:9|10)(?:-CM)?\b[ \t:]{0,3}[A-Z][0-9]{2}` },
])

/** Who may ask, which tools a role may use and how sensitive its data may be. */
export const RBAC: PolicyKind<Settings> = {
  kind: 'rbac',
  version: '1',
  summary: 'Decides by role: required headers, tools, data sensitivity and access to health data.',
  phases: ['input', 'tool'],
  settings: Settings,
  needsBlock: true,
  compile: (settings) => ({
    kind: 'rbac',
    version: '1',
    phases: ['input', 'tool'],
    terms: [],
    onError: settings.on_error,
    streaming: 'buffered',
    explain: explain(settings),
    bytesMax: 1_048_576,
    check: (view) => decide(settings, view),
  }),
}

function decide(settings: Settings, view: View): Finding {
  const { caller } = view.subject
  if (settings.require_auth && caller.identity !== 'verified') {
    return no('rbac.unauthenticated', 'This gateway requires a verified key.')
  }
  const missing = settings.deny_if_missing.find((name) => !headerOf(view, name))
  if (missing) return no('rbac.header_missing', `The header ${missing} is required.`)

  const known = new Set([...Object.keys(settings.roles), ...Object.keys(settings.data_access)])
  const role = headerOf(view, settings.role_header)
  if (known.size > 0) {
    if (!role) return no('rbac.role_missing', `The header ${settings.role_header} is required.`)
    if (!known.has(role)) return no('rbac.role_unknown', 'Your role is not known here.')
  }
  return toolFinding(settings, view, role) ?? dataFinding(settings, view, role) ?? CLEAN
}

function toolFinding(settings: Settings, view: View, role: string | null): Finding | null {
  const rule = role === null ? undefined : own(settings.roles, role)
  if (!rule) return null
  const { tools, toolCalls } = view.subject
  const isDenied = ({ name }: { name: string }) =>
    anyGlobMatches(rule.denied_tools, name) || (rule.allowed_tools && !anyGlobMatches(rule.allowed_tools, name))
  // Calls in the history of a request were decided when they were made; what it declares is what may be called next.
  const asked = view.subject.phase === 'tool' ? toolCalls : tools
  return asked.some(isDenied) ? no('rbac.tool_denied', 'Your role may not use a tool of this request.') : null
}

function dataFinding(settings: Settings, view: View, role: string | null): Finding | null {
  const limit = role === null ? undefined : own(settings.data_access, role)?.max_sensitivity
  if (limit) {
    const stated = headerOf(view, settings.sensitivity_header)?.toLowerCase() ?? 'public'
    if (!isSensitivity(stated))
      return no('rbac.sensitivity_unknown', `The header ${settings.sensitivity_header} has an unknown value.`)
    const marked = MARKINGS.find(view)
    const ranks = [stated, ...marked.map(({ rule }) => rule as Sensitivity)].map((level) =>
      SENSITIVITIES.indexOf(level),
    )
    if (Math.max(...ranks) > SENSITIVITIES.indexOf(limit)) {
      return {
        ...no('rbac.sensitivity_exceeded', 'Your role may not use data of this sensitivity.'),
        detections: marked,
      }
    }
  }
  const { enabled, allowed_phi_roles } = settings.minimum_necessary
  if (!enabled || (role !== null && allowed_phi_roles.includes(role))) return null
  const detections = HEALTH.find(view)
  return detections.length > 0 ? { ...no('rbac.phi_denied', 'Your role may not use health data.'), detections } : null
}

const no = (reasonCode: string, message: string) => finding({ verdict: 'block', reasonCode, message })

/** Null when it is missing or blank. */
const headerOf = (view: View, name: string) => own(view.subject.caller.headers, name)?.trim() || null

const own = <Value>(map: Readonly<Record<string, Value>>, key: string) =>
  Object.hasOwn(map, key) ? map[key] : undefined

const isSensitivity = (text: string): text is Sensitivity => (SENSITIVITIES as readonly string[]).includes(text)

function explain(settings: Settings): string[] {
  const roles = Object.keys(settings.roles)
  const access = Object.entries(settings.data_access)
  return [
    ...(settings.require_auth ? ['Callers need a verified key.'] : []),
    ...(settings.deny_if_missing.length > 0
      ? [`Requests need the headers ${settings.deny_if_missing.join(', ')}.`]
      : []),
    ...(roles.length > 0 ? [`Tools are limited for the roles ${roles.join(', ')}.`] : []),
    ...access.map(([role, { max_sensitivity }]) => `${role} may use data up to ${max_sensitivity}.`),
    ...(settings.minimum_necessary.enabled
      ? [`Only ${settings.minimum_necessary.allowed_phi_roles.join(', ') || 'nobody'} may use health data.`]
      : []),
    `The role is what the application states in ${settings.role_header}: it is as true as the application is trusted.`,
  ]
}
