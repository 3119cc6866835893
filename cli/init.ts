import { mkdir, open, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { type Command, Option } from 'commander'
import { AppError } from '@/lib/errors'
import { TEMPLATES } from '@/lib/policy/templates/all'
import { addCommand, type Kt } from './command'
import type { Io } from './io'

type InitOptions = { template: string; force?: boolean }

export function addInitCommand(io: Io, program: Command): void {
  addCommand<InitOptions>(io, program, {
    name: 'init',
    summary: 'Write a policy-config.yaml and its tests into this directory',
    setUp: (command) =>
      command
        .addOption(
          new Option('--template <name>', 'what to begin with')
            .choices(TEMPLATES.map(({ name }) => name))
            .default('starter'),
        )
        .option('--force', 'replace files that are there'),
    run: init,
  })
}

async function init({ print }: Kt, { template: wanted, force }: InitOptions): Promise<void> {
  const template = TEMPLATES.find(({ name }) => name === wanted)
  if (!template) throw new AppError('invalid_request', `There is no template "${wanted}".`)
  const files = [
    { path: 'policy-config.yaml', text: template.yaml },
    ...template.tests.map((test) => ({
      path: join('tests', `${test.name}.json`),
      text: `${JSON.stringify(test, null, 2)}\n`,
    })),
  ]
  if (!force) {
    // All are looked at first, so that a refusal leaves nothing half written.
    for (const { path } of files) {
      if (await isThere(path)) throw new AppError('conflict', `${path} is there already; --force replaces it.`)
    }
  }
  for (const { path, text } of files) {
    await mkdir(dirname(path), { recursive: true })
    await write(path, text, force === true)
  }
  const paths = files.map(({ path }) => path)
  if (print.format !== 'table') return print.data({ template: template.name, files: paths })
  for (const path of paths) print.line(`Wrote ${path}`)
  print.line('Next: kt policy lint, kt policy test, kt policy explain.')
}

async function isThere(path: string): Promise<boolean> {
  const found = await stat(path).catch((error: NodeJS.ErrnoException) => error.code ?? 'unknown')
  return found !== 'ENOENT' && found !== 'ENOTDIR'
}

async function write(path: string, text: string, force: boolean): Promise<void> {
  try {
    await using file = await open(path, force ? 'w' : 'wx')
    await file.writeFile(text)
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code
    throw new AppError('invalid_request', `Cannot write ${path}: ${code}.`, { cause })
  }
}
