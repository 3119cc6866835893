import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3'
import { freePort } from '@/lib/free-port'

export type S3Server = {
  endpoint: string
  accessKeyId: string
  secretAccessKey: string
  /** Makes a bucket of this name. With a lock it keeps versions. */
  bucket: (name: string, options?: { lock?: boolean }) => Promise<void>
  /**
   * Opens what an address that is signed names. moto knows no such addresses: meanwhile it is asked to take calls as they
   * are, also those that earlier uploads left behind.
   */
  open: (url: string) => Promise<Response>
  /** Whether `open` leaves the signature to be checked. */
  checksAddresses: boolean
  stop: () => Promise<void>
}

/** scripts/test-setup.mjs puts it there. */
const CACHE = process.env.XDG_CACHE_HOME || join(homedir(), '.cache')
const MOTO = join(CACHE, 'keeptrusts', 's3-server', 'bin', 'moto_server')
/** These are not signed; every later call must be. */
const UNSIGNED_CALLS = 3

/**
 * A server that speaks the S3 API and checks signatures: what `TEST_S3_URL` names (`http://key:secret@host:port`), or moto
 * on a free port. Null when there is neither, as when only `vitest` was run on a new machine.
 */
export async function startS3(): Promise<S3Server | null> {
  const outside = process.env.TEST_S3_URL
  if (outside) {
    const { origin, username, password } = new URL(outside)
    const server = serverOf(origin, decodeURIComponent(username), decodeURIComponent(password))
    return { ...server, open: (url) => fetch(url), checksAddresses: true }
  }
  if (!existsSync(MOTO)) return null
  const port = await freePort()
  const endpoint = `http://127.0.0.1:${port}`
  const child = spawn(MOTO, ['-H', '127.0.0.1', '-p', String(port)], {
    env: { ...process.env, INITIAL_NO_AUTH_ACTION_COUNT: String(UNSIGNED_CALLS) },
    stdio: 'ignore',
  })
  const [accessKeyId, secretAccessKey] = await userOf(endpoint, child)
  const server = serverOf(endpoint, accessKeyId, secretAccessKey)
  return {
    ...server,
    checksAddresses: false,
    async open(url) {
      const unsigned = (calls: string) => fetch(`${endpoint}/moto-api/reset-auth`, { method: 'POST', body: calls })
      await unsigned('inf')
      try {
        return await fetch(url)
      } finally {
        await unsigned('0')
      }
    },
    async stop() {
      await server.stop()
      const gone = once(child, 'exit')
      child.kill('SIGKILL')
      await gone
    },
  }
}

function serverOf(
  endpoint: string,
  accessKeyId: string,
  secretAccessKey: string,
): Omit<S3Server, 'open' | 'checksAddresses'> {
  const credentials = { accessKeyId, secretAccessKey }
  const client = new S3Client({ endpoint, region: 'us-east-1', forcePathStyle: true, credentials })
  return {
    endpoint,
    ...credentials,
    async bucket(name, { lock = false } = {}) {
      await client.send(
        new CreateBucketCommand({ Bucket: name, ...(lock ? { ObjectLockEnabledForBucket: true } : {}) }),
      )
    },
    async stop() {
      client.destroy()
    },
  }
}

/** A user who may do everything. From then on the server asks who calls. */
async function userOf(endpoint: string, child: ChildProcess): Promise<[id: string, secret: string]> {
  const policy = { Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action: '*', Resource: '*' }] }
  await untilThere(endpoint, child)
  await iam(endpoint, { Action: 'CreateUser', UserName: 'test' })
  await iam(endpoint, {
    Action: 'PutUserPolicy',
    UserName: 'test',
    PolicyName: 'all',
    PolicyDocument: JSON.stringify(policy),
  })
  const text = await iam(endpoint, { Action: 'CreateAccessKey', UserName: 'test' })
  const [, id = ''] = text.match(/<AccessKeyId>(\S+?)<\//) ?? []
  const [, secret = ''] = text.match(/<SecretAccessKey>(\S+?)<\//) ?? []
  return [id, secret]
}

async function iam(endpoint: string, fields: Record<string, string>): Promise<string> {
  const response = await fetch(endpoint, {
    method: 'POST',
    body: new URLSearchParams({ ...fields, Version: '2010-05-08' }),
    headers: {
      authorization:
        'AWS4-HMAC-SHA256 Credential=nobody/20260101/us-east-1/iam/aws4_request, SignedHeaders=host, Signature=0',
    },
  })
  const text = await response.text()
  if (!response.ok) throw new Error(`The S3 server answered ${response.status}: ${text}`)
  return text
}

async function untilThere(endpoint: string, child: ChildProcess): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      await fetch(`${endpoint}/moto-api/`)
      return
    } catch (error) {
      if (attempt === 150 || child.exitCode !== null) throw error
      await delay(100)
    }
  }
}
