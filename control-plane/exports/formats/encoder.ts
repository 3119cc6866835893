/** Rows as they come from the database: records in canonical JSON, each ended by a line feed. */
export type Lines = { bytes: Buffer; rows: number }

/**
 * Writes the file of an export piece by piece; the pieces one after the other are the file. Every method returns what can be
 * written now, which may be nothing yet.
 */
export type Encoder = {
  begin: () => Uint8Array
  rows: (lines: Lines) => Uint8Array
  /** Nothing of the rows so far may stay behind: here a part ends, and another process may go on. */
  endPart: () => Uint8Array
  end: () => Uint8Array
}

/** What must be known of the finished parts to go on behind them. */
export type Before = { rows: number; bytes: number }

export const NOTHING = new Uint8Array(0)
