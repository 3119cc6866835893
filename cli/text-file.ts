import { readFile } from 'node:fs/promises'
import { AppError } from '@/lib/errors'
import type { Io } from './io'

/**
 * A text from disk; `-` reads standard input.
 *
 * @throws AppError `invalid_request` when it cannot be read, is larger than that, or no UTF-8
 */
export async function readTextFile({ stdin }: Io, path: string, bytesMax: number): Promise<string> {
  const bytes = path === '-' ? await readAll(stdin, bytesMax) : await readFile(path).catch(refuse(path))
  if (bytes.length > bytesMax) {
    throw new AppError('invalid_request', `${path} has ${bytes.length} bytes; at most ${bytesMax} are allowed.`)
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch (cause) {
    throw new AppError('invalid_request', `${path} is not UTF-8 text.`, { cause })
  }
}

const refuse = (path: string) => (cause: NodeJS.ErrnoException) => {
  throw new AppError('invalid_request', `Cannot read ${path}: ${cause.code}.`, { cause })
}

async function readAll(stream: NodeJS.ReadableStream, bytesMax: number): Promise<Buffer> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of stream) {
    chunks.push(Buffer.from(chunk))
    size += chunk.length
    if (size > bytesMax) break
  }
  return Buffer.concat(chunks)
}
