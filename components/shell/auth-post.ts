/** next-auth's POST routes want its CSRF token beside the cookie it set with it. */
export async function authPost(path: string, fields: Record<string, string>): Promise<Response> {
  const response = await fetch('/api/auth/csrf', { headers: { accept: 'application/json' } })
  if (!response.ok) throw await errorOf(response)
  const csrfToken = textField(await response.json(), 'csrfToken')
  if (csrfToken === null) throw new Error('The console answered without a token.')
  return fetch(`/api/auth/${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: new URLSearchParams({ ...fields, csrfToken, json: 'true' }),
  })
}

let isLeaving = false

/** The session is being ended on purpose: what a page still asks for is refused, and nobody has to be told. */
export const isSigningOut = () => isLeaving

/** Ends the session here and at the control plane. */
export async function signOut() {
  isLeaving = true
  try {
    const response = await authPost('signout', { callbackUrl: '/sign-in' })
    if (!response.ok) throw await errorOf(response)
  } catch (thrown) {
    isLeaving = false
    throw thrown
  }
  window.location.assign('/sign-in')
}

/** A text of a JSON object, or null. The sign-in page needs no more of what was answered, and no library for it. */
export function textField(answer: unknown, name: string): string | null {
  const value = answer !== null && typeof answer === 'object' ? Reflect.get(answer, name) : null
  return typeof value === 'string' ? value : null
}

/** What reads problems is loaded when there is one. */
async function errorOf(response: Response): Promise<Error> {
  const { AppError } = await import('@/lib/errors')
  return AppError.fromResponse(response)
}
