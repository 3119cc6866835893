import { createInterface } from 'node:readline/promises'
import { Writable } from 'node:stream'
import { text as readAll } from 'node:stream/consumers'
import { EXIT, Exit } from './failure'
import type { Io } from './io'

/** Whether a person sits there to answer. */
export const isInteractive = ({ stdin, stderr }: Io): boolean => stdin.isTTY === true && stderr.isTTY === true

/** Asks on stderr, so that stdout stays what the command answers. */
export const ask = (io: Io, question: string): Promise<string> => readLine(io, question, io.stderr)

/** The same without echo: what is typed goes nowhere but into the answer. */
export async function askSecret(io: Io, question: string): Promise<string> {
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() })
  io.stderr.write(question)
  try {
    return await readLine(io, '', nowhere)
  } finally {
    io.stderr.write('\n')
  }
}

export async function confirm(io: Io, question: string): Promise<boolean> {
  return /^y(es)?$/i.test((await ask(io, `${question} [y/N] `)).trim())
}

/** Everything on stdin up to its end, without the last line break. */
export const readStdin = async (io: Io): Promise<string> => (await readAll(io.stdin)).replace(/\r?\n$/, '')

async function readLine(io: Io, question: string, output: NodeJS.WritableStream): Promise<string> {
  const lines = createInterface({ input: io.stdin, output, terminal: true, historySize: 0 })
  const left = new AbortController()
  lines.on('SIGINT', () => left.abort())
  lines.on('close', () => left.abort())
  try {
    return await lines.question(question, { signal: left.signal })
  } catch {
    throw new Exit(EXIT.interrupted) // Ctrl-C or the end of the input
  } finally {
    lines.close()
  }
}
