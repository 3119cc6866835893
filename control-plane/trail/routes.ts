import { trail } from '@/lib/contract/trail'
import { Routes } from '../routes'
import { acknowledgeAlarm } from './alarm/commands'
import { signNow } from './digests/commands'
import { getCheckpoint, getDigest, listDigests } from './digests/queries'
import { rotateKey } from './keys/commands'
import { getPublicKey, listKeys } from './keys/queries'
import { getConsistency, getInclusion, getStatus } from './queries'
import { createSink, deleteSink, deliverNow, updateSink } from './sinks/commands'
import { listSinks } from './sinks/queries'
import { cancelVerification, verify } from './verifications/commands'
import { getVerification, listVerifications } from './verifications/queries'

export const trailRoutes = new Routes()
  .on(trail.status, getStatus)
  .on(trail.publicKey, getPublicKey)
  .on(trail.keys, listKeys)
  .on(trail.rotateKey, rotateKey)
  .on(trail.digests, listDigests)
  .on(trail.digest, getDigest)
  .on(trail.sign, signNow)
  .on(trail.checkpoint, getCheckpoint)
  .on(trail.inclusion, getInclusion)
  .on(trail.consistency, getConsistency)
  .on(trail.verify, verify)
  .on(trail.verifications, listVerifications)
  .on(trail.verification, getVerification)
  .on(trail.cancelVerification, cancelVerification)
  .on(trail.acknowledgeAlarm, acknowledgeAlarm)
  .on(trail.sinks, listSinks)
  .on(trail.createSink, createSink)
  .on(trail.updateSink, updateSink)
  .on(trail.deleteSink, deleteSink)
  .on(trail.deliver, deliverNow)
