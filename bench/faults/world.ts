import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { ExportCheck } from './export-check'
import { type Installation, type InstallOptions, install } from './installation'
import { Random } from './random'
import { RecordCheck } from './record-check'
import { Sender } from './sender'
import { TrailCheck } from './trail-check'

type WorldOptions = InstallOptions & {
  /** Events of each sender that are recorded at first, so that exports and verifications take long enough to be cut off. */
  preloaded?: number
}

/** An installation, the gateways that send to it, and whoever compares. */
export class World {
  readonly records: RecordCheck
  readonly trail: TrailCheck
  readonly exports: ExportCheck

  private constructor(
    readonly installation: Installation,
    readonly senders: Sender[],
  ) {
    this.records = new RecordCheck(installation)
    this.trail = new TrailCheck(installation)
    this.exports = new ExportCheck(installation)
  }

  static async open({ preloaded = 300, ...options }: WorldOptions = {}): Promise<World> {
    const installation = await install(options)
    const senders: Sender[] = []
    for (const [at, gateway] of installation.gateways.entries()) {
      const directory = join(installation.directory, gateway.id)
      await mkdir(directory)
      const port = installation.ports[at % installation.ports.length]
      senders.push(await Sender.start(directory, gateway, `http://127.0.0.1:${port}`))
    }
    const world = new World(installation, senders)
    await Promise.all(senders.map((sender) => sender.make(new Random(1), preloaded, 0)))
    await world.drained()
    await world.trail.sign()
    await world.trail.pin()
    return world
  }

  /** Whether all that was made is acknowledged. */
  async drained(withinMs = 60_000): Promise<boolean> {
    const drained = await Promise.all(this.senders.map((sender) => sender.drained(withinMs)))
    return drained.every(Boolean)
  }

  /** Everything is delivered, stored once and verifies, and every export is right. @returns what is wrong */
  async look(since: Date, { exportsWithinMs = 120_000 } = {}): Promise<string[]> {
    const late = (await this.drained()) ? [] : [`events are not delivered: ${this.senders.map((each) => each.trouble)}`]
    return [
      ...late,
      ...(await this.trail.look(since)),
      ...(await this.records.look(this.senders, { isWhole: true })),
      ...(await this.exports.finish(exportsWithinMs)),
    ]
  }

  async close(): Promise<void> {
    await Promise.all(this.senders.map((sender) => sender.stop()))
    await this.installation.close()
  }
}
