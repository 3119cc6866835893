import { join, resolve } from 'node:path'
import type { ObjectStoreSettings } from '@/control-plane/objects/open-object-store'
import { StartError } from './start-error'

export type StartSettings = {
  /** Absolute. */
  dataDirectory: string
  consolePort: number
  gatewayPort: number
  /** What browsers call the console, without a slash at the end. */
  publicUrl: string
  /** An outside PostgreSQL server; undefined starts the embedded one. */
  databaseUrl: string | undefined
  objectStore: ObjectStoreSettings
  /** How long what a gateway held when it was last heard of is kept for its events. */
  leaseHoldSeconds: number
  /** Accept a database that may lose acknowledged writes. */
  unsafe: boolean
}

/** Reads what the operator asked for. Throws StartError naming the variable that makes no sense. */
export function readSettings(env: NodeJS.ProcessEnv, args: string[] = []): StartSettings {
  const unknown = args.find((argument) => argument !== '--unsafe')
  if (unknown) throw new StartError(`npm start knows no argument "${unknown}"; the only one is --unsafe.`)
  const consolePort = portOf(env, 'PORT', 3_000)
  const gatewayPort = portOf(env, 'KEEPTRUSTS_GATEWAY_PORT', 41_002)
  if (consolePort === gatewayPort) {
    throw new StartError(`PORT and KEEPTRUSTS_GATEWAY_PORT are both ${consolePort}: give each its own.`)
  }
  const dataDirectory = resolve(env.KEEPTRUSTS_DATA_DIR || '.keeptrusts')
  return {
    dataDirectory,
    consolePort,
    gatewayPort,
    publicUrl: publicUrlOf(env.KEEPTRUSTS_PUBLIC_URL || `http://localhost:${consolePort}`),
    databaseUrl: databaseUrlOf(env.DATABASE_URL),
    objectStore: objectStoreOf(env, dataDirectory),
    leaseHoldSeconds: leaseHoldOf(env.KEEPTRUSTS_LEASE_HOLD_SECONDS),
    unsafe: args.includes('--unsafe'),
  }
}

function portOf(env: NodeJS.ProcessEnv, name: string, fallback: number): number {
  const text = env[name]
  if (!text) return fallback
  const port = Number(text)
  if (!/^\d+$/.test(text) || port < 1 || port > 65_535)
    throw new StartError(`${name} must be a port from 1 to 65535, not "${text}".`)
  return port
}

const DAY_SECONDS = 86_400
const LEASE_HOLD_SECONDS_MAX = 366 * DAY_SECONDS

function leaseHoldOf(text: string | undefined): number {
  if (!text) return DAY_SECONDS
  const seconds = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN
  if (!(seconds <= LEASE_HOLD_SECONDS_MAX)) {
    throw new StartError(
      `KEEPTRUSTS_LEASE_HOLD_SECONDS must be a whole number of seconds up to ${LEASE_HOLD_SECONDS_MAX}, not "${text}".`,
    )
  }
  return seconds
}

function publicUrlOf(text: string): string {
  const url = URL.parse(text)
  if (!url || !['http:', 'https:'].includes(url.protocol) || url.pathname !== '/' || url.search || url.username) {
    throw new StartError(
      `KEEPTRUSTS_PUBLIC_URL must be an address such as https://keeptrusts.example, without a path, not "${text}".`,
    )
  }
  return url.origin
}

/** Says nothing of the value itself: it holds a password. */
function databaseUrlOf(text: string | undefined): string | undefined {
  if (!text) return undefined
  const url = URL.parse(text)
  if (!url || !['postgres:', 'postgresql:'].includes(url.protocol)) {
    throw new StartError('DATABASE_URL must look like postgres://user:password@host:5432/database.')
  }
  return text
}

/** Says nothing of the values: somebody may have put a password there. */
function objectStoreOf(env: NodeJS.ProcessEnv, dataDirectory: string): ObjectStoreSettings {
  const { KEEPTRUSTS_OBJECT_STORE: place, KEEPTRUSTS_S3_ENDPOINT: endpoint } = env
  if (!place) {
    if (endpoint)
      throw new StartError('KEEPTRUSTS_S3_ENDPOINT is set without KEEPTRUSTS_OBJECT_STORE=s3://bucket/prefix.')
    return { kind: 'disk', directory: join(dataDirectory, 'objects') }
  }
  const [, bucket, prefix = ''] =
    place.match(/^s3:\/\/([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:\/([A-Za-z0-9_.\-/]{0,200}))?$/) ?? []
  if (!bucket) throw new StartError('KEEPTRUSTS_OBJECT_STORE must look like s3://bucket or s3://bucket/prefix.')
  return {
    kind: 's3',
    bucket,
    prefix: prefix.split('/').filter(Boolean).join('/'),
    endpoint: endpoint ? endpointOf(endpoint) : undefined,
    region: env.AWS_REGION || env.AWS_DEFAULT_REGION || 'us-east-1',
  }
}

function endpointOf(text: string): string {
  const url = URL.parse(text)
  if (!url || !['http:', 'https:'].includes(url.protocol) || url.pathname !== '/' || url.search || url.username) {
    throw new StartError(
      'KEEPTRUSTS_S3_ENDPOINT must be an address such as https://s3.example, without a path. Credentials go into AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.',
    )
  }
  return url.origin
}
