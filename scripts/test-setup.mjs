// Runs before `npm test`: the programs that tests drive and npm does not bring. Quiet about what is there already.
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'

/** What is looked for, and the Debian package that brings it. */
const NEEDED = [
  {
    name: 'Chromium',
    package: 'chromium',
    isThere: () => onPath('chromium') || onPath('chromium-browser') || onPath('google-chrome'),
  },
  { name: 'jq', package: 'jq', isThere: () => onPath('jq') },
  { name: 'curl', package: 'curl', isThere: () => onPath('curl') },
  { name: 'OpenSSL', package: 'openssl', isThere: () => onPath('openssl') },
  { name: 'Redis', package: 'redis-server', isThere: () => onPath('redis-server') },
  { name: 'PostgreSQL', package: 'postgresql', isThere: hasPostgres },
]

const missing = NEEDED.filter(({ isThere }) => !isThere())
if (missing.length > 0) {
  const names = missing.map(({ name }) => name).join(', ')
  const packages = missing.map((need) => need.package)
  const isRoot = process.getuid() === 0
  const sudo = isRoot ? [] : ['sudo', '-n']
  if (!onPath('apt-get') || (!isRoot && spawnSync('sudo', ['-n', 'true']).status !== 0)) {
    fail(
      `The tests need ${names}: install ${missing.length > 1 ? 'them' : 'it'} (Debian: sudo apt-get install ${packages.join(' ')}), then run npm test again.`,
    )
  }
  console.log(`Installing ${names} for the tests ...`)
  const startedAt = Date.now()
  const apt = (...args) => {
    const [program, ...rest] = [...sudo, 'env', 'DEBIAN_FRONTEND=noninteractive', 'apt-get', '-qq', ...args]
    const done = spawnSync(program, rest, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
    if (done.status === 0) return
    process.stderr.write(done.stderr)
    fail(`${names} could not be installed, for the reason apt-get gives above.`)
  }
  apt('update')
  apt('install', '--yes', '--no-install-recommends', ...packages)
  console.log(`Installed in ${((Date.now() - startedAt) / 1_000).toFixed(1)} s.`)
}

function onPath(name) {
  return spawnSync('sh', ['-c', 'command -v "$1"', 'sh', name]).status === 0
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
