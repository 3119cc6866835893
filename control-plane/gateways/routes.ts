import { gateways } from '@/lib/contract/gateways'
import { Routes } from '../routes'
import { recordHeartbeat, registerGateway } from './commands'
import { listGaps } from './gaps/queries'
import { getGateway, listGateways } from './queries'
import { streamGateway } from './stream'

export const gatewayRoutes = new Routes()
  .on(gateways.list, listGateways)
  .on(gateways.register, registerGateway)
  .on(gateways.get, getGateway)
  .on(gateways.gaps, listGaps)
  .on(gateways.heartbeat, recordHeartbeat)
  .onStream(gateways.stream, streamGateway)
