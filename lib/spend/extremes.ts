/** The smallest of whole numbers that may be wider than `Math.min` takes. */
export function smallestOf(first: bigint, ...others: bigint[]): bigint {
  let found = first
  for (const each of others) if (each < found) found = each
  return found
}

export function largestOf(first: bigint, ...others: bigint[]): bigint {
  let found = first
  for (const each of others) if (each > found) found = each
  return found
}
