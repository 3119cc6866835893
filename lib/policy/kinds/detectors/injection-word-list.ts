/** Words are told apart by semicolons; a blank at the end is written as `_`. */
export const list = (...lines: string[]): readonly string[] =>
  lines.flatMap((line) => line.split(';').map((word) => word.trim().replaceAll('_', ' ')))
