import { setTimeout as delay } from 'node:timers/promises'
import type { Client } from '@/lib/client'
import { exports } from '@/lib/contract/exports'
import type { Export } from '@/lib/contract/export-shapes'

/** Reads an export until it is over, in one way or another. */
export async function exportOver(client: Client, id: string): Promise<Export> {
  for (;;) {
    const found = await client(exports.get, { id })
    if (found.state !== 'queued' && found.state !== 'running') return found
    await delay(20)
  }
}

/** All bytes of a download. */
export async function downloaded(body: ReadableStream<Uint8Array>): Promise<Buffer> {
  return Buffer.from(await new Response(body).arrayBuffer())
}
