import { sessions } from '@/lib/contract/sessions'
import { Routes } from '../routes'
import { revokeSession, signIn, signInWithOidc } from './commands'
import { listSessions } from './queries'

export const sessionRoutes = new Routes()
  .onPublic(sessions.create, signIn)
  .onPublic(sessions.createFromOidc, signInWithOidc)
  .on(sessions.list, listSessions)
  .on(sessions.revoke, revokeSession)
