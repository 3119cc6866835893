import { GatewayStartError } from './start-error'

/** What a person has to know of a socket that could not be opened; anything else as it is. */
export function portError(cause: unknown, listen: string): unknown {
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined
  if (code === 'EADDRINUSE') {
    return new GatewayStartError(
      'port_in_use',
      `${listen} is used by another process. Choose another address with --listen.`,
      { cause },
    )
  }
  if (code === 'EACCES')
    return new GatewayStartError('not_allowed', `This user may not listen on ${listen}.`, { cause })
  if (code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND') {
    return new GatewayStartError('invalid_configuration', `${listen} is not an address of this machine.`, { cause })
  }
  return cause
}
