import { DiskDriver } from './disk-driver'
import { ObjectStore } from './object-store'
import type { S3Settings } from './s3-driver'

export type ObjectStoreSettings = { kind: 'disk'; directory: string } | ({ kind: 's3' } & S3Settings)

/** Opens the store that the operator chose. Nothing is asked of an S3 server yet. */
export async function openObjectStore(settings: ObjectStoreSettings): Promise<ObjectStore> {
  if (settings.kind === 'disk') return new ObjectStore(await DiskDriver.open(settings.directory))
  // Who needs no S3 does not wait until its client is loaded.
  const { S3Driver } = await import('./s3-driver')
  return new ObjectStore(new S3Driver(settings))
}
