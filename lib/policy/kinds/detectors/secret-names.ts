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
  /** The secret begins before the prefix, so that the prefix may stand in a word. */
  isBehind?: true
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
  secret('aws_access_key', 'abia', /ABIA[A-Z0-9]{16}(?![A-Za-z0-9])/y),
  secret('alibaba_key', 'ltai', /LTAI[A-Za-z0-9]{20}(?![A-Za-z0-9])/y),
  secret('gitlab_token', 'gr1348941', /GR1348941[\w-]{20}(?![\w-])/y),
  secret(
    'slack_webhook',
    'https://hooks.slack.com/',
    /https:\/\/hooks\.slack\.com\/(?:workflows|triggers)\/[\w/-]{24,200}/y,
  ),
  secret('teams_webhook', '.webhook.office.com/', /\.webhook\.office\.com\/webhookb2\/[\w@/-]{60,250}/y, false),
  secret(
    'zapier_webhook',
    'https://hooks.zapier.com/',
    /https:\/\/hooks\.zapier\.com\/hooks\/catch\/\d{4,12}\/\w{5,12}\/?/y,
    false,
  ),
  secret('google_oauth_token', 'ya29.', /ya29\.[\w-]{30,2000}/y),
  secret('google_oauth_token', '1//0', /1\/\/0[\w-]{35,200}/y),
  secret('openshift_token', 'sha256~', /sha256~[\w-]{43}(?![\w-])/y),
  { ...secret('mailchimp_key', '-us', /-us\d{1,2}(?![A-Za-z0-9])/y, false), isBehind: true },
  { ...secret('azure_client_secret', 'q~', /[Qq]~[\w.~-]{31,34}(?![\w.~-])/y, false), isBehind: true },
  secret('brevo_key', 'xkeysib-', /xkeysib-[0-9a-f]{64}-[A-Za-z0-9]{16}/y),
  secret('replicate_token', 'r8_', /r8_[A-Za-z0-9]{37}(?![A-Za-z0-9])/y),
  secret('nvidia_key', 'nvapi-', /nvapi-[\w-]{50,80}/y),
  secret('langsmith_key', 'lsv2_', /lsv2_(?:pt|sk)_[0-9a-f]{32}_[0-9a-f]{10}/y),
  secret('pinecone_key', 'pcsk_', /pcsk_[A-Za-z0-9]{4,8}_[A-Za-z0-9]{50,70}/y),
  secret('tavily_key', 'tvly-', /tvly-[\w-]{24,60}/y),
  { ...secret('new_relic_key', 'nral', /NRAL(?![A-Za-z0-9])/y, false), isBehind: true },
  ...['nrii-', 'nrjs-'].map((prefix) => secret('new_relic_key', prefix, /NR(?:II|JS)-[\w-]{16,40}/y)),
  secret('heroku_key', 'hrku-', /HRKU-[\w-]{36,70}/y),
  secret('notion_token', 'ntn_', /ntn_[A-Za-z0-9]{40,60}(?![A-Za-z0-9])/y),
  secret('notion_token', 'secret_', /secret_[A-Za-z0-9]{43}(?![A-Za-z0-9])/y),
  secret('personal_token', 'pat', /pat(?:[A-Za-z0-9]{14}\.[0-9a-f]{64}|-(?:na|eu|ap)\d-[0-9a-f-]{36})(?![A-Za-z0-9])/y),
  secret('figma_token', 'figd_', /figd_[\w-]{36,60}/y),
  secret('postman_key', 'pmak-', /PMAK-[0-9a-f]{24}-[0-9a-f]{34}/y),
  secret('grafana_token', 'glc_', /glc_[A-Za-z0-9+/]{32,400}={0,2}/y),
  secret('vault_token', 'hvb.', /hvb\.[\w-]{100,300}/y),
  ...['pscale_tkn_', 'pscale_pw_', 'pscale_oauth_'].map((prefix) =>
    secret('planetscale_token', prefix, /pscale_(?:tkn|pw|oauth)_[\w=.-]{32,64}/y),
  ),
  ...['fo1_', 'fm1a_', 'fm1r_', 'fm2_'].map((prefix) =>
    secret('fly_token', prefix, /f(?:o1|m1a|m1r|m2)_[\w+/=-]{40,600}/y),
  ),
  secret('fly_token', 'flyv1 ', /FlyV1 f(?:o1|m1a|m1r|m2)_[\w+/=,-]{40,900}/y),
  secret('django_secret', 'django-insecure-', /django-insecure-[a-z0-9!@#$%^&*()_=+-]{40,60}/y),
  secret('supabase_token', 'sbp_', /sbp_[0-9a-f]{40}(?![0-9a-z])/y),
  secret('netlify_token', 'nfp_', /nfp_[A-Za-z0-9]{36,44}(?![A-Za-z0-9])/y),
  secret('cloudflare_key', 'v1.0-', /v1\.0-[0-9a-f]{24}-[0-9a-f]{140,150}/y),
  secret('onepassword_token', 'ops_ey', /ops_eyJ[\w+/=-]{100,2000}/y),
  secret('rubygems_key', 'rubygems_', /rubygems_[0-9a-f]{48}/y),
  secret('clojars_token', 'clojars_', /CLOJARS_[a-z0-9]{60}/y),
  secret('crates_token', 'cio', /cio[A-Za-z0-9]{32}(?![A-Za-z0-9])/y),
  secret('nuget_key', 'oy2', /oy2[a-z0-9]{43}(?![A-Za-z0-9])/y),
  ...['dckr_pat_', 'dckr_oat_'].map((prefix) => secret('docker_token', prefix, /dckr_[po]at_[\w-]{27,40}/y)),
  secret('atlassian_token', 'atctt3', /ATCTT3[\w=-]{50,300}/y),
  secret('bitbucket_token', 'atbb', /ATBB[A-Za-z0-9]{32}(?![A-Za-z0-9])/y),
  secret('sentry_token', 'sntrys_', /sntrys_[\w+/=-]{40,1000}/y),
  secret('sentry_token', 'sntryu_', /sntryu_[0-9a-f]{40,64}/y),
  ...['sqp_', 'squ_', 'sqa_'].map((prefix) => secret('sonar_token', prefix, /sq[pua]_[0-9a-f]{40}(?![0-9a-z])/y)),
  secret('artifactory_key', 'akcp', /AKCp[A-Za-z0-9]{60,75}(?![A-Za-z0-9])/y),
  secret('pulumi_token', 'pul-', /pul-[0-9a-f]{40}(?![0-9a-z])/y),
  ...['pnu_', 'pnb_'].map((prefix) => secret('prefect_key', prefix, /pn[ub]_[A-Za-z0-9]{36}(?![A-Za-z0-9])/y)),
  secret('readme_key', 'rdme_', /rdme_[a-z0-9]{70}/y),
  ...['ezak', 'eztk'].map((prefix) => secret('easypost_key', prefix, /EZ[AT]K[A-Za-z0-9]{54}/y)),
  secret('flutterwave_key', 'flwseck', /FLWSECK(?:_TEST|_LIVE)?-[0-9a-f]{32}-X/y),
  ...['shippo_live_', 'shippo_test_'].map((prefix) =>
    secret('shippo_token', prefix, /shippo_(?:live|test)_[0-9a-f]{40}/y),
  ),
  secret('frameio_token', 'fio-u-', /fio-u-[\w-]{64}/y),
  secret('dynatrace_token', 'dt0', /dt0[a-z]\d\d\.[A-Z0-9]{24}\.[A-Z0-9]{64}/y),
  ...['s-s4t2ud-', 's-s4t2af-'].map((prefix) => secret('intra_secret', prefix, /s-s4t2(?:ud|af)-[0-9a-f]{64}/y)),
  ...['api-', 'sdk-'].map((prefix) =>
    secret('launchdarkly_key', prefix, /(?:api|sdk)-[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}(?![0-9a-z])/y),
  ),
  secret('facebook_token', 'eaa', /EAA[A-Za-z0-9]{80,400}(?![A-Za-z0-9])/y),
  secret('square_token', 'eaaa', /EAAA[\w-]{60}(?![\w-])/y),
  secret('twitter_token', 'aaaaaaaaaaaaaaaaaaaa', /A{20,24}[A-Za-z0-9%]{60,120}/y),
  secret('mapbox_token', 'sk.ey', /sk\.eyJ[\w-]{40,200}\.[\w-]{20,40}/y),
  secret('contentful_token', 'cfpat-', /CFPAT-[\w-]{43}/y),
  secret('buildkite_token', 'bkua_', /bkua_[0-9a-f]{40}(?![0-9a-z])/y),
  secret('tailscale_key', 'tskey-', /tskey-(?:auth|api|client|webhook)-[A-Za-z0-9]{8,24}-[A-Za-z0-9]{20,60}/y),
  secret('adafruit_key', 'aio_', /aio_[A-Za-z0-9]{28}(?![A-Za-z0-9])/y),
  secret('typeform_token', 'tfp_', /tfp_[\w-]{40,70}/y),
  secret(
    'braintree_token',
    'access_token$',
    /access_token\$(?:production|sandbox)\$[a-z0-9]{16}\$[0-9a-f]{32}/y,
    false,
  ),
  secret('plaid_token', 'access-', /access-(?:sandbox|development|production)-[0-9a-f-]{36}/y),
  secret('duffel_token', 'duffel_', /duffel_(?:test|live)_[\w=-]{43}/y),
  secret('infracost_key', 'ico-', /ico-[A-Za-z0-9]{32}(?![A-Za-z0-9])/y),
  secret('octopus_key', 'api-', /API-[A-Z0-9]{26,36}(?![A-Za-z0-9])/y),
  ...['ccipat_', 'cciprj_'].map((prefix) =>
    secret('circleci_token', prefix, /CCIP(?:AT|RJ)_[A-Za-z0-9]{20,24}_[0-9a-f]{40}/y),
  ),
  secret('firebase_key', ':apa91b', /:APA91b[\w-]{100,200}/y),
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
export type SecretLabel = {
  label: string
  holds: 'password' | 'key' | 'azure_key' | 'login' | 'pair' | 'phrase'
  /** Short ones count only where no letter stands on either side. */
  isWord?: true
}

const labels = (holds: SecretLabel['holds'], ...names: string[]): SecretLabel[] =>
  names.map((label) => ({ label, holds }))

/** What a secret key is for. */
const KEY_KINDS =
  'api access app application private signing encryption license licence master admin service storage subscription server hmac deploy client consumer shared session wifi wi-fi network'.split(
    ' ',
  )

export const SECRET_LABELS: readonly SecretLabel[] = [
  ...labels(
    'password',
    'password',
    'passwd',
    'pwd',
    'passphrase',
    '_pass',
    'passwort',
    'kennwort',
    'mot de passe',
    'mdp',
    'contraseña',
    'clave',
    'senha',
    'palavra-passe',
    'wachtwoord',
    'hasło',
    'lösenord',
    'adgangskode',
    'salasana',
    'heslo',
    'parola',
    'şifre',
    'mật khẩu',
    'kata sandi',
    'пароль',
    '密码',
    '密碼',
    '口令',
    'パスワード',
    '비밀번호',
    'كلمة المرور',
    'كلمة السر',
    'पासवर्ड',
    'รหัสผ่าน',
    'passcode',
    'hasła',
    'hasłem',
    'identified by',
    'convertto-securestring',
  ),
  ...labels('password', 'pw', 'pass', 'psw', 'pwort').map((one) => ({ ...one, isWord: true as const })),
  ...labels('phrase', 'passphrase', 'seed phrase', 'recovery phrase', 'mnemonic'),
  ...labels(
    'pair',
    'login',
    'logon',
    'credentials',
    'creds',
    'zugang',
    'identifiants',
    'connexion',
    'credenciales',
    'credenciais',
    'acceso',
    'acesso',
    'credenziali',
    'accesso',
    'inloggegevens',
    'logowania',
    'inloggning',
    'giriş bilgi',
    'логин',
    'доступ',
    '账号',
    '帐号',
    'ログイン',
    'लॉगिन',
  ),
  ...labels(
    'key',
    'secret',
    ...KEY_KINDS.flatMap((kind) => ['_key', '-key', ' key', 'key'].map((key) => kind + key)),
    'schlüssel',
    'clé secrète',
    'clé privée',
    'clave secreta',
    'chave secreta',
    'chiave segreta',
    'sleutel',
    'tajny klucz',
    'gizli anahtar',
    'ключ',
    'токен',
    'jeton',
    'secreto',
    'segredo',
    '密钥',
    '私钥',
    '金鑰',
    '令牌',
    'シークレット',
    '秘密鍵',
    'トークン',
    'キー',
    '비밀키',
    '토큰',
    'कुंजी',
    'टोकन',
    'auth_token',
    'authtoken',
    'access_token',
    'accesstoken',
    'refresh_token',
    'token',
    'credential',
    'bearer',
  ),
  ...labels('login', 'basic', '"auth"'),
  ...labels('azure_key', 'accountkey', 'sharedaccesskey'),
]

const PLACEHOLDER =
  /^(?:[<[{($%*.…]|\\?["']|--?[a-z]{3})|^(?:your|my|the|change|example|placeholder|dummy|insert|enter|null|none|nil|true|false|undefined|todo|redacted|process\.|os\.|env\.|import|config|settings|self\.|this\.|get|read|secrets?\.|vault)|xxxx|\*\*\*|\.\.\.|[({]|:\/\//i

const NAMES_OF_ITSELF = /^(?:password|passwd|pass|pwd|secret|token|user|username|required|string|hidden)$/i

/** How passwords are kept, and what else is said of them. */
const SAID_OF_PASSWORDS =
  /^(?:base64|sha-?\d|md5|bcrypt|pbkdf2|argon2|scrypt|utf-?8|aes-?\d|rsa-?\d|oauth2?|2fa|iso-?\d)/i

/** Whether what stands behind a label can be a password: no placeholder, no code, more than one kind of character. */
export function isPassword(value: string): boolean {
  if (value.length < 6 || PLACEHOLDER.test(value) || NAMES_OF_ITSELF.test(value) || SAID_OF_PASSWORDS.test(value))
    return false
  const kinds = [/[a-z]/, /[A-Z]/, /\d/, /[^A-Za-z0-9_./:-]/].filter((kind) => kind.test(value)).length
  return /^\d{6,}$/.test(value) || (kinds >= 2 && /[\d!@#$%^&*?~+=]/.test(value))
}

/** The same where only words tie it to its name: three kinds of characters, and no address, path, date or version. */
export function isUnmistakable(value: string): boolean {
  if (value.length < 8 || !isPassword(value) || !/\d/.test(value)) return false
  if (/[/\\]|@[\w-]{1,64}\.[a-z]{2}|^v?\d{1,6}[.:]\d|^\d{1,4}(?:st|nd|rd|th)?-/i.test(value)) return false
  return [/\p{Ll}/u, /\p{Lu}/u, /\d/, /[^\p{L}\p{N}]/u].filter((kind) => kind.test(value)).length >= 3
}

/** The same for keys, which are longer and random. What has a word and no digit is the name of a variable. */
export const isSecretKey = (value: string): boolean =>
  value.length >= 16 &&
  !PLACEHOLDER.test(value) &&
  !INVENTED.test(value) &&
  (/\d/.test(value) || !/[a-z]{4}/i.test(value)) &&
  isRandom(value)

/** In keys of handbooks; with a link it is one. */
const INVENTED = /example|:\/\//i
