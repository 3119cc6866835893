import type { NextRequest } from 'next/server'
import NextAuth from 'next-auth'
import { AppError, problemResponse } from '@/lib/errors'
import { newId } from '@/lib/ids'
import { authOptions } from '@/lib/server/auth-options'
import { assertSameOrigin } from '@/lib/server/same-origin'

type AuthRoute = { params: Promise<{ nextauth: string[] }> }

export const GET = (request: NextRequest, context: AuthRoute): Promise<Response> =>
  NextAuth(request, context, authOptions())

/** next-auth checks its own CSRF token as well; this refuses other sites before anything is read. */
export async function POST(request: NextRequest, context: AuthRoute): Promise<Response> {
  try {
    assertSameOrigin(request.headers)
  } catch (thrown) {
    if (thrown instanceof AppError) return problemResponse(thrown, newId('req'))
    throw thrown
  }
  return NextAuth(request, context, authOptions())
}
