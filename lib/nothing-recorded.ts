type Compared = { provider: string; month: string; differences: readonly { requests: number }[] }

/** What to say of an invoice beside which there is nothing at all: its provider may be called otherwise here. */
export function nothingRecordedText({ provider, month, differences }: Compared): string | null {
  if (differences.some(({ requests }) => requests > 0)) return null
  return `Nothing of a provider called ${provider} was recorded in ${month}. Is it called so in the configurations?`
}
