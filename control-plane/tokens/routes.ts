import { tokens } from '@/lib/contract/tokens'
import { Routes } from '../routes'
import { createToken, revokeToken, updateToken } from './commands'
import { getPropagation } from './propagation/queries'
import { getToken, listTokens } from './queries'
import { extendRotation, finishRotation, rotateToken } from './rotation/commands'
import { getUsage } from './usage/queries'

export const tokenRoutes = new Routes()
  .on(tokens.list, listTokens)
  .on(tokens.create, createToken)
  .on(tokens.get, getToken)
  .on(tokens.update, updateToken)
  .on(tokens.revoke, revokeToken)
  .on(tokens.rotate, rotateToken)
  .on(tokens.extendRotation, extendRotation)
  .on(tokens.finishRotation, finishRotation)
  .on(tokens.propagation, getPropagation)
  .on(tokens.usage, getUsage)
