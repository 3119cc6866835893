import { evidence } from '@/lib/contract/evidence'
import { Routes } from '../routes'
import { getEvidence, getEvidenceArchive } from './commands'

export const evidenceRoutes = new Routes().on(evidence.get, getEvidence).onFile(evidence.archive, getEvidenceArchive)
