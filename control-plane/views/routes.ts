import { views } from '@/lib/contract/views'
import { Routes } from '../routes'
import { deleteView, saveView } from './commands'
import { listViews } from './queries'

export const viewRoutes = new Routes().on(views.list, listViews).on(views.save, saveView).on(views.delete, deleteView)
