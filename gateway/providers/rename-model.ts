import { topLevelFields } from '@/lib/json'

/** The same JSON bytes with another `model`; no other byte changes. A body without a model stays as it is. */
export function renameModel(bytes: Buffer, model: string): Buffer {
  const field = topLevelFields(bytes).find(({ key }) => key === 'model')
  if (field === undefined) return bytes
  const name = Buffer.from(JSON.stringify(model))
  if (name.equals(bytes.subarray(field.start, field.end))) return bytes
  return Buffer.concat([bytes.subarray(0, field.start), name, bytes.subarray(field.end)])
}
