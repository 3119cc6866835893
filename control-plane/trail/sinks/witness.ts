import { readCheckpoint } from '@/lib/trail/checkpoint'
import { toBase64 } from '@/lib/trail/encoding'
import { COSIGNATURE_V1, composeNote, type NoteKey, NoteRefused, openNote, parseNote } from '@/lib/trail/note'
import { type OutboundAnswer, post } from '../../outbound'
import { nativePrimitives } from '../native-primitives'
import { SinkFailed } from './sink'

/** A witness answers 409 with the size that it has; twice is enough unless others move it meanwhile. */
const ATTEMPTS_MAX = 3

export type WitnessAsk = {
  /** Submission prefix, without the final `/add-checkpoint`. */
  url: string
  key: NoteKey
  /** The log's own signed note. */
  note: string
  /** Size of the last checkpoint that it has cosigned, as far as we know. */
  oldSize: number
  /** From `from` leaves to those of the note (RFC 6962 section 2.1.2). */
  proveFrom: (from: number) => Promise<Uint8Array[]>
  allowPrivateNetwork: boolean
  signal?: AbortSignal
}

/**
 * Asks a witness to cosign a checkpoint (C2SP tlog-witness, add-checkpoint).
 *
 * @returns its signature line, verified
 * @throws SinkFailed saying what the witness has against it
 */
export async function askWitness(ask: WitnessAsk): Promise<string> {
  const { size } = readCheckpoint(ask.note)
  let old = Math.min(ask.oldSize, size)
  for (let attempt = 1; attempt <= ATTEMPTS_MAX; attempt++) {
    const proof = old === 0 || old === size ? [] : await ask.proveFrom(old)
    const body = `old ${old}\n${proof.map((hash) => `${toBase64(hash)}\n`).join('')}\n${ask.note}`
    const answer = await send(ask, body)
    if (answer.status === 200) return verifiedLine(ask, answer.body)
    if (answer.status !== 409) throw new SinkFailed(REFUSALS[answer.status] ?? `The witness answered ${answer.status}.`)
    const held = /^(0|[1-9]\d{0,15})\n$/.exec(answer.body)
    if (!held) throw new SinkFailed('The witness has another size and does not say which.')
    old = Number(held[1])
    if (old > size) {
      throw new SinkFailed(
        `The witness has cosigned ${old} records; this log has ${size}. It was rolled back, or another log has its name.`,
      )
    }
  }
  throw new SinkFailed('The witness keeps having another size than it said.')
}

const REFUSALS: Record<number, string> = {
  400: 'The witness takes the request for malformed (400).',
  403: 'The witness does not trust the key that signed the checkpoint (403).',
  404: 'The witness does not know this log (404): it must be told of its origin and key.',
  422: 'The witness does not accept the consistency proof (422): it has seen another history of this log.',
}

function send({ url, allowPrivateNetwork, signal }: WitnessAsk, body: string): Promise<OutboundAnswer> {
  return post(`${url.replace(/\/+$/, '')}/add-checkpoint`, {
    body,
    contentType: 'text/plain; charset=utf-8',
    allowPrivateNetwork,
    ...(signal ? { signal } : {}),
  })
}

/** The line of the known key among those of the answer; others are no use to us. */
function verifiedLine({ key, note }: WitnessAsk, answer: string): string {
  const lines = answer.split(/(?<=\n)/).slice(0, 64)
  try {
    const { text } = parseNote(note)
    for (const line of lines) {
      const { signatures } = parseNote(composeNote(text, [line]))
      if (signatures.some(({ name, keyId }) => name === key.name && keyId === key.keyId)) {
        openNote(composeNote(text, [line]), [key], nativePrimitives)
        return line
      }
    }
  } catch (error) {
    if (!(error instanceof NoteRefused)) throw error
    throw new SinkFailed(`The witness answered with a signature that does not verify: ${error.message}`, {
      cause: error,
    })
  }
  throw new SinkFailed('The witness answered without a signature of the key that was given for it.')
}

export const isWitnessKey = (key: NoteKey | null): key is NoteKey => key?.type === COSIGNATURE_V1
