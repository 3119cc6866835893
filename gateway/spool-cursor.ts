import { readFile } from 'node:fs/promises'
import { crc32 } from 'node:zlib'
import { writeFileAtomically } from './atomic-file'

/** Where reading goes on. */
export type SpoolPosition = { segment: number; offset: number }
/** `seq` is the highest `gateway_seq` handed out. */
type Cursor = SpoolPosition & { seq: number }

/** A missing or damaged cursor costs a second delivery, which changes nothing: events are idempotent. */
export async function readCursor(path: string): Promise<Cursor | null> {
  const content = await readFile(path, 'utf8').catch((cause: unknown) => {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return ''
    throw cause
  })
  const [checksum, body] = content.split('\n')
  if (!body || crc32(body).toString(16) !== checksum) return null
  const { segment, offset, seq }: Cursor = JSON.parse(body)
  return { segment, offset, seq }
}

export async function writeCursor(path: string, cursor: Cursor, durable: boolean): Promise<void> {
  const body = JSON.stringify(cursor)
  await writeFileAtomically(path, `${crc32(body).toString(16)}\n${body}`, durable)
}
