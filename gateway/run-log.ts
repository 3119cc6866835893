import { type DestinationStream, type Logger, pino } from 'pino'

const SECRETS = ['token', 'secret', 'authorization', 'password', 'key']

/** JSON lines on standard output. Nothing here is given secrets on purpose; this catches the accident. */
export const createLog = (gatewayId: string, destination: DestinationStream = pino.destination(1)): Logger =>
  pino(
    {
      name: 'gateway',
      base: { gateway_id: gatewayId },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      redact: { paths: SECRETS.flatMap((name) => [name, `*.${name}`, `*.*.${name}`]), censor: '[redacted]' },
    },
    destination,
  )
