// The tests of clients/python, in an environment of their own: lint, types, and the client against the built product.
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const HOME = join(import.meta.dirname, '..', 'clients', 'python')
const ENVIRONMENT = join(HOME, '.venv')
const DONE = join(ENVIRONMENT, 'requirements.sha256')
const NEEDED = 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 10))'

const python = ['python3', 'python'].find((name) => spawnSync(name, ['-c', NEEDED]).status === 0)
if (python === undefined) {
  process.stdout.write('The Python client was NOT tested: there is no Python 3.10 or newer with venv here.\n')
  process.exit(0)
}

const own = (name) => join(ENVIRONMENT, 'bin', name)

function run(program, args) {
  const { status, error } = spawnSync(program, args, { cwd: HOME, stdio: 'inherit' })
  if (error) process.stderr.write(`${error.message}\n`)
  if (status !== 0) process.exit(1)
}

const requirements = createHash('sha256')
for (const file of ['requirements-dev.txt', 'pyproject.toml']) requirements.update(readFileSync(join(HOME, file)))
const wanted = requirements.digest('hex')
if (!existsSync(DONE) || readFileSync(DONE, 'utf8') !== wanted) {
  rmSync(ENVIRONMENT, { recursive: true, force: true })
  run(python, ['-m', 'venv', ENVIRONMENT])
  const pip = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check']
  run(own('python'), [...pip, '--requirement', 'requirements-dev.txt'])
  run(own('python'), [...pip, '--no-deps', '--no-build-isolation', '--editable', '.'])
  writeFileSync(DONE, wanted)
}
run(own('ruff'), ['check', '.'])
run(own('ruff'), ['format', '--check', '.'])
run(own('mypy'), [])
run(own('pytest'), [])
