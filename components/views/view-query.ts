/** Beside these, everything in the address belongs to a view. */
const NOT_OF_A_VIEW = ['open', 'event']

/** The address without what is of the moment; the same view always gives the same text. */
export function viewQuery(search: string): string {
  const params = new URLSearchParams(search)
  for (const name of NOT_OF_A_VIEW) params.delete(name)
  params.sort()
  return params.toString()
}
