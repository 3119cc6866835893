type Compared = { provider: string; month: string; differences: readonly { requests: number }[] }

/** What to say of an invoice beside which there is nothing at all: its provider may be called otherwise here. */
export function nothingRecordedText({ provider, month, differences }: Compared): string | null {
  if (differences.some(({ requests }) => requests > 0)) return null
  return `Nothing of a provider called ${provider} was recorded in ${month}. Is it called so in the configurations?`
}

type Read = { format: string; skipped: number }

/** What to say of rows of an invoice that are in no sum. */
export function leftOutText({ format, skipped }: Read): string | null {
  if (skipped === 0) return null
  const rows = skipped === 1 ? 'One row was' : `${skipped.toLocaleString('en')} rows were`
  const text = `${rows} left out, being of another month or service, or without an amount.`
  return format === 'azure' ? `${text} ${OF_OTHERS}` : text
}

const OF_OTHERS = 'What Azure bills under SaaS, such as models of Anthropic, is not read: compare that as generic.'
