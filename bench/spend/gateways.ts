import { createWriteStream } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Random } from '../faults/random'
import { type Child, start, untilOk } from '../processes'
import { FaultyLink } from './link'

/** Moves the wall clock of a process, and not its monotonic one, to where a file says; Debian's package `faketime`. */
const FAKETIME = '/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1'

export type GatewayOptions = {
  id: string
  port: number
  directory: string
  token: string
  planePort: () => number
  random: Random
  /** Whether its wall clock can be moved. */
  hasClock: boolean
}

/** A gateway process behind a link of its own, which can be cut off, killed and misled about the time. */
export class BenchGateway {
  readonly link: FaultyLink
  readonly url: string
  readonly #options: GatewayOptions
  #apiUrl = ''
  #child: Child | null = null

  constructor(options: GatewayOptions) {
    this.#options = options
    this.url = `http://127.0.0.1:${options.port}`
    this.link = new FaultyLink(options.planePort, options.random)
  }

  async begin(): Promise<void> {
    this.#apiUrl = await this.link.listen()
    await this.jump(0)
    await this.start()
  }

  async start(): Promise<void> {
    const { id, port, directory, token, hasClock } = this.#options
    const args = ['run', '--managed', '--listen', `127.0.0.1:${port}`, '--data-dir', join(directory, 'data')]
    const child = start(undefined, process.execPath, ['dist/kt.mjs', ...args, '--poll-interval', '5'], {
      KEEPTRUSTS_API_URL: this.#apiUrl,
      KEEPTRUSTS_GATEWAY_TOKEN: token,
      KEEPTRUSTS_GATEWAY_ID: id,
      BENCH_UPSTREAM_KEY: 'bench',
      ...(hasClock
        ? {
            LD_PRELOAD: FAKETIME,
            FAKETIME_TIMESTAMP_FILE: this.#clockPath,
            FAKETIME_NO_CACHE: '1',
            FAKETIME_DONT_FAKE_MONOTONIC: '1',
            DONT_FAKE_MONOTONIC: '1',
          }
        : {}),
    })
    child.process.stdout?.pipe(createWriteStream(join(directory, 'gateway.log'), { flags: 'a' }))
    this.#child = child
    await untilOk(`${this.url}/readyz`, child)
  }

  /** At once, as a machine that loses its power. */
  async kill(): Promise<void> {
    const child = this.#child
    if (child === null) return
    const { exitCode, signalCode } = child.process
    if (exitCode !== null || signalCode !== null)
      throw new Error(`${this.#options.id} ended by itself: ${exitCode ?? signalCode}.`)
    const gone = new Promise((resolve) => child.process.once('exit', resolve))
    child.process.kill('SIGKILL')
    await gone
    this.#child = null
  }

  /** @param seconds from now on, against the true time */
  async jump(seconds: number): Promise<void> {
    await writeFile(this.#clockPath, `${seconds < 0 ? '-' : '+'}${Math.abs(seconds)}s\n`)
  }

  async stop(): Promise<void> {
    await this.#child?.stop()
    await this.link.close()
  }

  get #clockPath(): string {
    return join(this.#options.directory, 'clock')
  }
}
