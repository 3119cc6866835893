/**
 * An answer that is JSON already. It goes out as it is, neither checked against the contract nor written again, so it must
 * consist of nothing but what was checked before or follows from its types.
 */
export class Written {
  constructor(readonly json: string) {}
}
