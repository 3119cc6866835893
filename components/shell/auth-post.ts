import { z } from 'zod'
import { AppError } from '@/lib/errors'

const CsrfAnswer = z.object({ csrfToken: z.string() })

/** next-auth's POST routes want its CSRF token beside the cookie it set with it. */
export async function authPost(path: string, fields: Record<string, string>): Promise<Response> {
  const response = await fetch('/api/auth/csrf', { headers: { accept: 'application/json' } })
  if (!response.ok) throw await AppError.fromResponse(response)
  const { csrfToken } = CsrfAnswer.parse(await response.json())
  return fetch(`/api/auth/${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: new URLSearchParams({ ...fields, csrfToken, json: 'true' }),
  })
}

/** Ends the session here and at the control plane. */
export async function signOut() {
  const response = await authPost('signout', { callbackUrl: '/sign-in' })
  if (!response.ok) throw await AppError.fromResponse(response)
  window.location.assign('/sign-in')
}
