// Runs while `npm test` installs packages: the programs that tests drive and npm does not bring. Quiet about what is there
// already.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'

/** What is looked for, and the Debian package that brings it. */
const NEEDED = [
  {
    name: 'Chromium',
    package: isDebian() ? 'chromium-headless-shell' : 'chromium',
    isThere: () => ['chromium-headless-shell', 'chromium', 'chromium-browser', 'google-chrome'].some(onPath),
  },
  { name: 'jq', package: 'jq', isThere: () => onPath('jq') },
  { name: 'curl', package: 'curl', isThere: () => onPath('curl') },
  { name: 'OpenSSL', package: 'openssl', isThere: () => onPath('openssl') },
  { name: 'Redis', package: 'redis-server', isThere: () => onPath('redis-server') },
  { name: 'PostgreSQL', package: 'postgresql', isThere: hasPostgres },
  {
    name: 'venv of Python',
    package: 'python3-venv',
    isThere: () => isThereS3() || succeeds('python3', '-c', 'import ensurepip'),
  },
]

const missing = NEEDED.filter(({ isThere }) => !isThere())
if (missing.length > 0) {
  const names = missing.map(({ name }) => name).join(', ')
  const packages = missing.map((need) => need.package)
  if (!mayInstall()) {
    fail(
      `The tests need ${names}: install ${missing.length > 1 ? 'them' : 'it'} (Debian: sudo apt-get install ${packages.join(' ')}), then run npm test again.`,
    )
  }
  console.log(`Installing ${names} for the tests ...`)
  const startedAt = Date.now()
  const failure = whyNotInstalled(packages)
  if (failure !== undefined) {
    process.stderr.write(failure)
    fail(`${names} could not be installed, for the reason apt-get gives above.`)
  }
  console.log(`Installed in ${((Date.now() - startedAt) / 1_000).toFixed(1)} s.`)
}

installHeadlessShell()
installS3()

/**
 * Chromium without its windows, which Debian packs by itself: the browser tests take half the processor time in it. They
 * run in any Chromium, so nothing fails without it.
 */
function installHeadlessShell() {
  if (onPath('chromium-headless-shell') || !isDebian() || !mayInstall()) return
  console.log('Installing the headless Chromium for the tests ...')
  const startedAt = Date.now()
  const failure = whyNotInstalled(['chromium-headless-shell'])
  console.log(
    failure === undefined
      ? `Installed in ${((Date.now() - startedAt) / 1_000).toFixed(1)} s.`
      : `It could not be installed: the browser tests run in the Chromium that is there, and take longer. ${failure}`,
  )
}

/** What apt-get says when it could not install them. */
function whyNotInstalled(packages) {
  for (const args of [['update'], ['install', '--yes', '--no-install-recommends', ...packages]]) {
    const [program, ...rest] = [...sudo(), 'env', 'DEBIAN_FRONTEND=noninteractive', 'apt-get', '-qq', ...args]
    const done = spawnSync(program, rest, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
    if (done.status !== 0) return done.stderr
  }
  return undefined
}

function mayInstall() {
  return onPath('apt-get') && (sudo().length === 0 || succeeds('sudo', '-n', 'true'))
}

function sudo() {
  return process.getuid() === 0 ? [] : ['sudo', '-n']
}

/** Ubuntu has no such package: its Chromium is a snap. */
function isDebian() {
  return existsSync('/etc/os-release') && /^ID=debian$/m.test(readFileSync('/etc/os-release', 'utf8'))
}

/** moto, the S3 server of the tests (control-plane/objects/testing.ts finds it there); `TEST_S3_URL` names another. */
function installS3() {
  if (isThereS3()) return
  const directory = s3Directory()
  console.log('Installing an S3 server for the tests ...')
  const startedAt = Date.now()
  rmSync(directory, { recursive: true, force: true })
  mkdirSync(directory, { recursive: true })
  const steps = [
    ['python3', '-m', 'venv', directory],
    [join(directory, 'bin', 'pip'), 'install', '--quiet', '--disable-pip-version-check', ...s3Packages()],
  ]
  for (const [program, ...args] of steps) {
    const done = spawnSync(program, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
    if (done.status === 0) continue
    process.stderr.write(done.stderr ?? '')
    fail(
      'The S3 server could not be installed, for the reason above. TEST_S3_URL=http://key:secret@host:port names another.',
    )
  }
  writeFileSync(join(directory, 'packages'), s3Packages().join('\n'))
  console.log(`Installed in ${((Date.now() - startedAt) / 1_000).toFixed(1)} s.`)
}

function isThereS3() {
  if (process.env.TEST_S3_URL) return true
  const installed = join(s3Directory(), 'packages')
  return existsSync(installed) && readFileSync(installed, 'utf8') === s3Packages().join('\n')
}

function s3Packages() {
  return ['moto[s3]==5.2.5', 'flask==3.1.3', 'flask-cors==6.0.5']
}

function s3Directory() {
  return join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'keeptrusts', 's3-server')
}

function onPath(name) {
  return succeeds('sh', '-c', 'command -v "$1"', 'sh', name)
}

function succeeds(program, ...args) {
  return spawnSync(program, args).status === 0
}

/** Debian keeps the server's programs off the path, one folder per version. */
function hasPostgres() {
  const versions = existsSync('/usr/lib/postgresql') ? readdirSync('/usr/lib/postgresql') : []
  return versions.some((version) => existsSync(`/usr/lib/postgresql/${version}/bin/postgres`)) || onPath('postgres')
}

function fail(sentence) {
  console.error(sentence)
  process.exit(1)
}
