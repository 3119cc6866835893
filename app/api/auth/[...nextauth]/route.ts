import type { NextRequest } from 'next/server'
import NextAuth from 'next-auth'
import { AppError, problemResponse } from '@/lib/errors'
import { newId } from '@/lib/ids'
import { admitted } from '@/lib/server/auth-door'
import { authOptions } from '@/lib/server/auth-options'

type AuthRoute = { params: Promise<{ nextauth: string[] }> }

/** next-auth checks its own CSRF token as well; this refuses before anything is read that it need not see. */
async function answer(request: NextRequest, context: AuthRoute): Promise<Response> {
  try {
    const { nextauth } = await context.params
    return await NextAuth(await admitted(request, nextauth), context, authOptions())
  } catch (thrown) {
    if (thrown instanceof AppError) return problemResponse(thrown, newId('req'))
    throw thrown
  }
}

export { answer as GET, answer as POST }
