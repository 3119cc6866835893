/** Where the requests behind a number are: History with the same time and the same filter. */
export function historyPath({ since, until }: { since: string; until: string }, filter: string): string {
  const query = new URLSearchParams({ since, until })
  if (filter !== '') query.set('filter', filter)
  return `/history?${query}`
}
