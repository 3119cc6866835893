import { activity } from '@/lib/contract/activity'
import { exportSchedules, exports } from '@/lib/contract/exports'
import { Routes } from '../routes'
import { exportActivity } from './activity-export'
import { cancelExport, createExport, deleteExport } from './commands'
import { downloadExport } from './download'
import { linkToExport, openLink } from './link'
import { previewExport, previewExportOf } from './preview'
import { getExport, listExports } from './queries'
import { createSchedule, deleteSchedule, updateSchedule } from './schedules/commands'
import { listSchedules } from './schedules/queries'

/** Paths with a fixed last part come before `:id`. */
export const exportRoutes = new Routes()
  .on(exports.create, createExport)
  .on(exports.preview, previewExport)
  .on(exports.previewOf, previewExportOf)
  .on(exportSchedules.list, listSchedules)
  .on(exportSchedules.create, createSchedule)
  .on(exportSchedules.update, updateSchedule)
  .on(exportSchedules.delete, deleteSchedule)
  .on(exports.list, listExports)
  .on(exports.get, getExport)
  .on(exports.cancel, cancelExport)
  .on(exports.delete, deleteExport)
  .onFile(exports.download, downloadExport)
  .on(exports.link, linkToExport)
  .onPublicFile(exports.open, openLink)
  .onFile(activity.export, exportActivity)
