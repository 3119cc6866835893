import { Command } from 'commander'
import { VERSION } from '@/lib/version'
import { addActivityGroup } from './activity'
import { addAuthCommands } from './auth'
import { addBudgetGroup } from './budget'
import { addCommonOptions } from './command'
import { addCompletionCommand } from './completion'
import { addConfigGroup } from './config'
import { addDoctorCommand } from './doctor'
import { addEventsGroup } from './events'
import { addExportJobsGroup } from './export-jobs'
import { EXIT, reportFailure } from './failure'
import { addGatewayGroup } from './gateway'
import { addInitCommand } from './init'
import type { Io } from './io'
import { addNotificationsGroup } from './notifications'
import { addPolicyGroup } from './policy'
import { addPricingGroup } from './pricing'
import { addRolloutCommand } from './rollout'
import { addRunCommand } from './run'
import { addTeamGroup } from './team'
import { addTokensGroup } from './tokens'
import { addTrailGroup } from './trail'
import { addUsageGroup } from './usage'
import { addVerifyCommand } from './verify'
import { addWalletGroup } from './wallet'

/** Runs one command line (without `node` and the script) and returns its exit code. Never throws. */
export async function runCli(argv: string[], io: Io): Promise<number> {
  try {
    await createProgram(io).parseAsync(argv, { from: 'user' })
    return EXIT.ok
  } catch (thrown) {
    return reportFailure(thrown, io)
  }
}

function createProgram(io: Io): Command {
  const program = new Command('kt')
    .description('Keeptrusts: keys, gateways, configurations and decisions from the command line.')
    .version(VERSION, '-V, --version', 'print the version')
    // Else the program's own --version would swallow the one of `kt rollout`.
    .enablePositionalOptions()
    .exitOverride()
    .showSuggestionAfterError()
    .showHelpAfterError('(add --help for what there is)')
    .configureOutput({
      writeOut: (text) => void io.stdout.write(text),
      writeErr: (text) => void io.stderr.write(text),
    })
  addCommonOptions(program)
  addAuthCommands(io, program)
  addTokensGroup(io, program)
  addEventsGroup(io, program)
  addActivityGroup(io, program)
  addNotificationsGroup(io, program)
  addExportJobsGroup(io, program)
  addTeamGroup(io, program)
  addWalletGroup(io, program)
  addBudgetGroup(io, program)
  addTrailGroup(io, program)
  addVerifyCommand(io, program)
  addRunCommand(io, program)
  addGatewayGroup(io, program)
  addInitCommand(io, program)
  addPolicyGroup(io, program)
  addConfigGroup(io, program)
  addRolloutCommand(io, program)
  addUsageGroup(io, program)
  addPricingGroup(io, program)
  addDoctorCommand(io, program)
  addCompletionCommand(io, program)
  return program
}
