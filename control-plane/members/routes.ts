import { members } from '@/lib/contract/members'
import { Routes } from '../routes'
import { createMember, updateMember } from './commands'
import { listMembers } from './queries'

export const memberRoutes = new Routes()
  .on(members.list, listMembers)
  .on(members.create, createMember)
  .on(members.update, updateMember)
