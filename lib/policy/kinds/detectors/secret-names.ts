import { isRandom } from './randomness'

/** A credential that begins with a published prefix. */
export type PrefixedSecret = {
  rule: string
  /** In lower case, for the chain's scanner. */
  prefix: string
  /** Sticky, from the prefix on, case-sensitive. */
  pattern: RegExp
  /** Whether what stands behind the prefix must look drawn at random, so that `ghp_xxxx` is left alone. */
  isRandomOnly: boolean
  isValid?: (secret: string) => boolean
}

const secret = (rule: string, prefix: string, pattern: RegExp, isRandomOnly = true): PrefixedSecret => ({
  rule,
  prefix,
  pattern,
  isRandomOnly,
})

/** Formats as their issuers document them, or as their tokens show. */
export const PREFIXED_SECRETS: readonly PrefixedSecret[] = [
  secret('aws_access_key', 'akia', /AKIA[A-Z0-9]{16}(?![A-Za-z0-9])/y),
  secret('aws_access_key', 'asia', /ASIA[A-Z0-9]{16}(?![A-Za-z0-9])/y),
  ...['ghp_', 'gho_', 'ghu_', 'ghs_', 'ghr_'].map((prefix) =>
    secret('github_token', prefix, /gh[pousr]_[A-Za-z0-9]{30,255}(?![A-Za-z0-9])/y),
  ),
  secret('github_token', 'github_pat_', /github_pat_[A-Za-z0-9_]{22,255}(?![A-Za-z0-9_])/y),
  ...['glpat-', 'gldt-', 'glrt-', 'glcbt-', 'glptt-', 'glft-'].map((prefix) =>
    secret('gitlab_token', prefix, /gl(?:pat|dt|rt|cbt|ptt|ft)-[A-Za-z0-9_.-]{20,300}(?![A-Za-z0-9_-])/y),
  ),
  ...['xoxb-', 'xoxp-', 'xoxa-', 'xoxr-', 'xoxs-', 'xoxe-', 'xapp-'].map((prefix) =>
    secret('slack_token', prefix, /(?:xox[abeprs]|xapp)-[A-Za-z0-9-]{10,250}(?![A-Za-z0-9-])/y),
  ),
  secret(
    'slack_webhook',
    'https://hooks.slack.com/services/',
    /https:\/\/hooks\.slack\.com\/services\/[A-Z0-9]{6,15}\/[A-Z0-9]{6,15}\/[A-Za-z0-9]{16,40}/y,
    false,
  ),
  secret('discord_webhook', '/api/webhooks/', /\/api\/webhooks\/\d{15,22}\/[\w-]{40,100}/y, false),
  ...['sk_live_', 'rk_live_', 'sk_test_', 'rk_test_'].map((prefix) =>
    secret('stripe_key', prefix, /[rs]k_(?:live|test)_[A-Za-z0-9]{16,250}(?![A-Za-z0-9])/y),
  ),
  secret('stripe_webhook_secret', 'whsec_', /whsec_[A-Za-z0-9+/=]{24,100}/y),
  secret('google_api_key', 'aiza', /AIza[\w-]{35}(?![\w-])/y),
  secret('google_oauth_secret', 'gocspx-', /GOCSPX-[\w-]{28}(?![\w-])/y),
  secret('anthropic_key', 'sk-ant-', /sk-ant-[\w-]{24,250}/y),
  secret('openai_key', 'sk-', /sk-(?!ant-)(?:proj-|svcacct-|admin-|or-v1-)?[\w-]{20,250}/y),
  secret('groq_key', 'gsk_', /gsk_[A-Za-z0-9]{40,60}(?![A-Za-z0-9])/y),
  secret('xai_key', 'xai-', /xai-[A-Za-z0-9]{60,100}(?![A-Za-z0-9])/y),
  secret('perplexity_key', 'pplx-', /pplx-[A-Za-z0-9]{40,60}(?![A-Za-z0-9])/y),
  secret('npm_token', 'npm_', /npm_[A-Za-z0-9]{36}(?![A-Za-z0-9])/y),
  secret('pypi_token', 'pypi-', /pypi-[\w-]{50,500}/y),
  secret('huggingface_token', 'hf_', /hf_[A-Za-z0-9]{30,60}(?![A-Za-z0-9])/y),
  secret('sendgrid_key', 'sg.', /SG\.[\w-]{16,32}\.[\w-]{32,64}(?![\w-])/y),
  secret('mailgun_key', 'key-', /key-[0-9a-f]{32}(?![0-9a-z])/y),
  secret('twilio_key', 'sk', /SK[0-9a-f]{32}(?![0-9A-Za-z])/y),
  secret('digitalocean_token', 'dop_v1_', /do[opr]_v1_[0-9a-f]{64}(?![0-9a-z])/y),
  secret('doppler_token', 'dp.', /dp\.(?:pt|st|ct|sa|scim|audit)\.[A-Za-z0-9_.-]{40,80}/y),
  ...['shpat_', 'shpca_', 'shppa_', 'shpss_'].map((prefix) =>
    secret('shopify_token', prefix, /shp(?:at|ca|pa|ss)_[0-9a-fA-F]{32}(?![0-9A-Za-z])/y),
  ),
  secret('square_token', 'sq0', /sq0(?:atp|csp)-[\w-]{22,43}/y),
  secret('databricks_token', 'dapi', /dapi[0-9a-f]{32}(?:-\d)?(?![0-9a-z])/y),
  secret('vault_token', 'hvs.', /hvs\.[\w-]{24,250}/y),
  secret('terraform_token', '.atlasv1.', /\.atlasv1\.[\w-]{60,80}/y),
  secret('grafana_token', 'glsa_', /glsa_[A-Za-z0-9]{32}_[0-9a-f]{8}/y),
  secret('linear_key', 'lin_api_', /lin_api_[A-Za-z0-9]{40}/y),
  secret('atlassian_token', 'atatt3', /ATATT3[\w=-]{50,300}/y),
  secret('new_relic_key', 'nrak-', /NRAK-[A-Z0-9]{27}/y),
  secret('age_key', 'age-secret-key-', /AGE-SECRET-KEY-1[0-9A-Z]{58}/y),
  secret('telegram_token', ':aa', /:AA[\w-]{33}(?![\w-])/y),
  secret('azure_sas', 'sig=', /sig=[A-Za-z0-9%+/]{40,120}(?:%3[dD]|=){1,2}/y),
  { ...secret('keeptrusts_key', 'kt_', /kt_(?:ak|gk|st)_(?:[a-z0-9]{1,12}_)?[0-9A-Za-z]{49}(?![0-9A-Za-z])/y) },
  { ...secret('jwt', 'eyj', /eyJ[\w-]{8,4000}\.eyJ[\w-]{2,4000}\.[\w-]{0,2000}/y, false), isValid: hasJoseHeader },
]

/** RFC 7515: the first part is a JSON object that names an algorithm. */
function hasJoseHeader(token: string): boolean {
  const header = token.slice(0, token.indexOf('.')).replaceAll('-', '+').replaceAll('_', '/')
  try {
    const parsed: unknown = JSON.parse(atob(header))
    return typeof parsed === 'object' && parsed !== null && 'alg' in parsed
  } catch {
    return false
  }
}

/** A name behind which a secret is written. */
export type SecretLabel = { label: string; holds: 'password' | 'key' | 'azure_key' }

const labels = (holds: SecretLabel['holds'], ...names: string[]): SecretLabel[] =>
  names.map((label) => ({ label, holds }))

export const SECRET_LABELS: readonly SecretLabel[] = [
  ...labels(
    'password',
    'password',
    'passwd',
    'pwd',
    'passphrase',
    'passwort',
    'kennwort',
    'mot de passe',
    'mdp',
    'contraseña',
    'clave',
    'senha',
    'wachtwoord',
    'hasło',
    'пароль',
    '密码',
    'パスワード',
    '비밀번호',
  ),
  ...labels(
    'key',
    'secret',
    'api_key',
    'api-key',
    'api key',
    'apikey',
    'access_key',
    'accesskey',
    'auth_token',
    'authtoken',
    'access_token',
    'accesstoken',
    'refresh_token',
    'token',
    'private_key',
    'credential',
    'bearer',
    'signing_key',
    'encryption_key',
  ),
  ...labels('azure_key', 'accountkey', 'sharedaccesskey'),
]

const PLACEHOLDER =
  /^(?:[<[{($%*.…]|\\?["'])|^(?:your|my|the|change|example|placeholder|dummy|insert|enter|null|none|nil|true|false|undefined|todo|redacted|process\.|os\.|env\.|import|config|settings|self\.|this\.|get|read|secrets?\.|vault)|xxxx|\*\*\*|\.\.\.|[({]|:\/\//i

const NAMES_OF_ITSELF = /^(?:password|passwd|pass|pwd|secret|token|user|username|required|string|hidden)$/i

/** Whether what stands behind a label can be a password: no placeholder, no code, more than one kind of character. */
export function isPassword(value: string): boolean {
  if (value.length < 6 || PLACEHOLDER.test(value) || NAMES_OF_ITSELF.test(value)) return false
  const kinds = [/[a-z]/, /[A-Z]/, /\d/, /[^A-Za-z0-9_./:-]/].filter((kind) => kind.test(value)).length
  return /^\d{6,}$/.test(value) || (kinds >= 2 && /[\d!@#$%^&*?~+=]/.test(value))
}

/** The same for keys, which are longer and random. */
export const isSecretKey = (value: string): boolean => value.length >= 16 && !PLACEHOLDER.test(value) && isRandom(value)
