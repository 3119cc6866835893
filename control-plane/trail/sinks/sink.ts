import type { TrailSink } from '@/lib/contract/trail-shapes'

/** What the process allows sinks. */
export type SinkRules = {
  /** Where checkpoint files are, one folder per organisation. */
  directory: string
  /** Whether webhooks and witnesses may be in a private network. */
  allowPrivateNetwork: boolean
}

/** What a sink is told. */
export type Told = {
  orgId: string
  digestId: string
  origin: string
  size: number
  rootHash: string
  /** C2SP signed note, with what witnesses have signed so far. */
  note: string
  signedAt: string
}

export type SinkSettings = TrailSink['settings']

/** Why a sink did not take a checkpoint, in words for whoever set it up. */
export class SinkFailed extends Error {
  override readonly name = 'SinkFailed'
}
