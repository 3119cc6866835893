import { expect, test } from 'vitest'
import { readSettings } from './settings'

const read = (env: Record<string, string>) => readSettings({ NODE_ENV: 'test', ...env })

test('objects are kept in the data directory unless a bucket is named', () => {
  expect(read({ KEEPTRUSTS_DATA_DIR: '/data' }).objectStore).toEqual({
    kind: 'disk',
    directory: '/data/objects',
  })
  const settings = read({
    KEEPTRUSTS_OBJECT_STORE: 's3://records/keeptrusts/eu/',
    KEEPTRUSTS_S3_ENDPOINT: 'https://s3.example',
    AWS_REGION: 'eu-central-1',
  })
  expect(settings.objectStore).toEqual({
    kind: 's3',
    bucket: 'records',
    prefix: 'keeptrusts/eu',
    endpoint: 'https://s3.example',
    region: 'eu-central-1',
  })
  expect(read({ KEEPTRUSTS_OBJECT_STORE: 's3://records' }).objectStore).toMatchObject({
    prefix: '',
    endpoint: undefined,
    region: 'us-east-1',
  })
})

test.each([
  [{ KEEPTRUSTS_OBJECT_STORE: '/srv/hunter2' }, 'KEEPTRUSTS_OBJECT_STORE must look like s3://bucket'],
  [{ KEEPTRUSTS_OBJECT_STORE: 's3://key:hunter2@records' }, 'KEEPTRUSTS_OBJECT_STORE must look like s3://bucket'],
  [{ KEEPTRUSTS_S3_ENDPOINT: 'https://s3.example' }, 'is set without KEEPTRUSTS_OBJECT_STORE'],
  [
    { KEEPTRUSTS_OBJECT_STORE: 's3://records', KEEPTRUSTS_S3_ENDPOINT: 'https://key:hunter2@s3.example' },
    'KEEPTRUSTS_S3_ENDPOINT must be an address',
  ],
])('a place for objects that makes no sense is refused without repeating it (%#)', (env, sentence) => {
  expect(() => read(env)).toThrow(sentence)
  expect(() => read(env)).not.toThrow('hunter2')
})

test('what a gateway held is kept for a day unless a whole number of seconds is stated', () => {
  expect(read({}).leaseHoldSeconds).toBe(86_400)
  expect(read({ KEEPTRUSTS_LEASE_HOLD_SECONDS: '0' }).leaseHoldSeconds).toBe(0)
  for (const text of ['-1', '1.5', '1d', '99999999999']) {
    expect(() => read({ KEEPTRUSTS_LEASE_HOLD_SECONDS: text })).toThrow('KEEPTRUSTS_LEASE_HOLD_SECONDS must be')
  }
})
