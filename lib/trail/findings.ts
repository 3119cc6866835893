/** Everything that can be wrong with a trail. The list is closed: programs branch on it. */
export const FINDING_STATES = [
  'EVENT_MODIFIED',
  'EVENT_MISSING',
  'EVENT_UNEXPECTED',
  'ORDER_VIOLATION',
  'DIGEST_MISSING',
  'DIGEST_MODIFIED',
  'SIGNATURE_INVALID',
  'TAIL_MISSING',
  'ROLLED_BACK',
  'FORKED',
  'BACKDATED',
  'TIME_REGRESSION',
  'KEY_UNKNOWN',
  'KEY_OUT_OF_PERIOD',
  'WRONG_LOG',
  'MALFORMED',
  'PROOF_INVALID',
  'UNEXPLAINED_GAP',
  'PAYLOAD_MODIFIED',
  'PAYLOAD_MISSING',
  'PAYLOAD_REDACTED',
  'EVENT_RETIRED',
] as const
export type FindingState = (typeof FINDING_STATES)[number]

export const FINDINGS_MAX = 1_000
/** What is no error must not crowd out what is. */
export const INFOS_MAX = 200

export type Finding = {
  state: FindingState
  severity: 'error' | 'info'
  seq?: number
  digest_id?: string
  message: string
}

/** What was done on purpose, with a record of it, is no error. */
const INFOS: readonly FindingState[] = ['PAYLOAD_REDACTED', 'EVENT_RETIRED']

export class Findings {
  readonly list: Finding[] = []
  errors = 0
  infos = 0
  #keptInfos = 0

  add(state: FindingState, message: string, where: { seq?: number; digest_id?: string; info?: boolean } = {}): void {
    const { info, ...place } = where
    const severity = info || INFOS.includes(state) ? 'info' : 'error'
    if (severity === 'info') {
      this.infos += 1
      if (this.#keptInfos === INFOS_MAX) return
      this.#keptInfos += 1
    } else {
      this.errors += 1
      if (this.list.length - this.#keptInfos === FINDINGS_MAX - INFOS_MAX) return
    }
    this.list.push({ state, severity, ...place, message })
  }

  /** How many were found beyond those in the list. */
  get more(): number {
    return this.errors + this.infos - this.list.length
  }
}
