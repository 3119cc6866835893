import type { Command } from 'commander'
import type { Diagnostic } from '@/lib/contract/configurations'
import { addCommand, type Kt } from './command'
import { readYaml } from './configuration'
import { EXIT, Exit } from './failure'
import type { Io } from './io'
import { lineOf, readConfiguration, refusal } from './policy-file'
import { printable } from './text'

type FileOptions = { file: string }

const DEFAULT_FILE = 'policy-config.yaml'

export function addPolicyGroup(io: Io, program: Command): void {
  const group = program.command('policy').description('Check, test and explain a policy-config.yaml; all of it offline')
  addCommand<FileOptions>(io, group, {
    name: 'lint',
    summary: 'Check a policy-config.yaml (exit code 2 when it is not valid)',
    setUp: addFile,
    run: (kt, { file }, [given]) => lint(kt, { file: given ?? file }),
  })
  addCommand<{ packDir: string }>(io, group, {
    name: 'test',
    summary: 'Decide the cases of tests/*.json and testing.suites (exit code 1 when one fails)',
    setUp: (command) => command.option('--pack-dir <dir>', 'where policy-config.yaml and tests/ are', '.'),
    run: async (kt, options) => {
      const { testPolicies } = await import('./policy-test')
      await testPolicies(kt, options)
    },
  })
  addCommand<FileOptions>(io, group, {
    name: 'explain',
    summary: 'Say in words what a policy-config.yaml does',
    setUp: addFile,
    run: (kt, { file }, [given]) => explain(kt, { file: given ?? file }),
  })
}

const addFile = (command: Command) =>
  command
    .argument('[file]', 'the same as --file')
    .option('--file <file>', 'policy-config.yaml, or - for standard input', DEFAULT_FILE)

async function lint({ io, print }: Kt, { file }: FileOptions): Promise<void> {
  const { lintPolicyConfig } = await import('@/lib/policy/config')
  const { config, diagnostics } = lintPolicyConfig(await readYaml(io, file))
  const warnings = diagnostics.filter(({ severity }) => severity === 'warning').map(finding)
  const errors = diagnostics.filter(({ severity }) => severity === 'error').map(finding)
  if (!config) {
    if (print.format !== 'table') print.data({ valid: false, file, errors, warnings })
    else for (const line of refusal(file, diagnostics)) print.line(line)
    throw new Exit(EXIT.invalidInput)
  }
  const { pack, policies } = config
  if (print.format !== 'table') {
    print.data({
      valid: true,
      file,
      pack: { name: pack.name, version: pack.version },
      chain: policies.chain,
      policy_count: policies.chain.length,
      warnings,
    })
    return
  }
  for (const diagnostic of diagnostics) print.line(lineOf(file, diagnostic))
  print.line(`OK ${printable(file)} is valid`)
  print.line(`   Pack: ${printable(pack.name)} v${pack.version}`)
  print.line(`   Chain: ${policies.chain.join(' → ') || 'empty'}`)
  print.line(`   Policies: ${policies.chain.length} validated`)
}

const finding = ({ code, path, line, column, message, suggestion }: Diagnostic) => ({
  code,
  path,
  line,
  column,
  message,
  suggestion,
})

async function explain({ io, print }: Kt, { file }: FileOptions): Promise<void> {
  const config = await readConfiguration(io, file)
  const { explainConfiguration } = await import('./explain-configuration')
  const explained = explainConfiguration(config)
  if (print.format !== 'table') print.data(explained)
  else for (const line of explained.lines) print.line(printable(line))
}
