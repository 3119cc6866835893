import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, rm } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)
const VERSION = '1.106.2'
const INSTALL_MS = 300_000

/** Installed once, outside the repository: it brings a hundred packages of its own. */
const DIRECTORY = join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'keeptrusts-bench', 'litellm')

export async function findLiteLlm(): Promise<{ program: string; version: string } | { reason: string }> {
  const program = join(DIRECTORY, 'bin', 'litellm')
  try {
    if (!existsSync(program)) {
      console.error(`installing LiteLLM ${VERSION} into ${DIRECTORY}`)
      await mkdir(join(DIRECTORY, '..'), { recursive: true })
      await run('python3', ['-m', 'venv', DIRECTORY], { timeout: INSTALL_MS })
      const pip = join(DIRECTORY, 'bin', 'pip')
      await run(pip, ['install', '--quiet', `litellm[proxy]==${VERSION}`], { timeout: INSTALL_MS })
    }
    return { program, version: VERSION }
  } catch (cause) {
    await rm(program, { force: true })
    const why = cause instanceof Error ? (cause.message.split('\n')[0] ?? '') : String(cause)
    return { reason: `LiteLLM ${VERSION} could not be installed from PyPI: ${why}` }
  }
}

/** One worker, no database, no key, no callback: nothing but forwarding. */
export const liteLlmConfig = (upstream: string): string => `model_list:
  - model_name: "*"
    litellm_params:
      model: "openai/*"
      api_base: ${upstream}/v1
      api_key: bench
litellm_settings:
  telemetry: false
`

/** It asks for no key, as the others do not; prices come from the package and not from the network. */
export const LITELLM_ENVIRONMENT = {
  LITELLM_LOG: 'ERROR',
  LITELLM_LOCAL_MODEL_COST_MAP: 'True',
  LITELLM_DANGEROUSLY_PERMIT_WEAK_OR_UNSET_MASTER_KEY: 'true',
}
