import type { z } from 'zod'
import type { Endpoint } from '@/lib/contract/endpoint'

/**
 * An answer that is JSON already. It goes out as it is, neither checked against the contract nor written again, so it must
 * consist of nothing but what was checked before or follows from its types.
 */
export class Written {
  constructor(readonly json: string) {}
}

/** An answer whose every value this process has made, such as a sum or a time: its types say that it is as the contract has it. */
export const written = <E extends Endpoint>(_: E, answer: z.input<E['output']>): Written =>
  new Written(JSON.stringify(answer))
