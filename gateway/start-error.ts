/** What keeps a gateway from starting, and the exit code of `kt` that stands for it. */
const EXIT_CODES = {
  invalid_configuration: 2,
  not_allowed: 4,
  /** Neither a control plane that answers nor a configuration on disk. */
  no_configuration: 5,
  data_directory_in_use: 1,
  port_in_use: 1,
  worker_failed: 1,
} as const

/** Says what is wrong and what to check; shown to the person who started the gateway as it is. */
export class GatewayStartError extends Error {
  override readonly name = 'GatewayStartError'

  constructor(
    readonly code: keyof typeof EXIT_CODES,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options)
  }

  get exitCode(): number {
    return EXIT_CODES[this.code]
  }
}

export const isStartErrorCode = (code: string): code is keyof typeof EXIT_CODES => Object.hasOwn(EXIT_CODES, code)
