import { type LookupAddress, lookup } from 'node:dns'
import type { LookupFunction } from 'node:net'
import { AddressNotAllowed, isPublicAddress } from '@/lib/public-address'

/**
 * For `net.connect`: resolves a name and refuses it when any of its addresses is not public. The connection is made to
 * the addresses that were checked, so a second answer of the name server changes nothing (DNS rebinding).
 */
export const publicLookup: LookupFunction = (hostname, options, callback) => {
  lookup(hostname, { family: options.family, hints: options.hints, all: true }, (error, addresses) => {
    if (error) return callback(error, [])
    const refused = refusedAmong(addresses)
    if (refused) {
      return callback(new AddressNotAllowed(`${hostname} resolves to ${refused.address}, which is not public`), [])
    }
    const [first] = addresses
    if (first === undefined) return callback(new AddressNotAllowed(`${hostname} has no address`), [])
    if (options.all) return callback(null, addresses)
    return callback(null, first.address, first.family)
  })
}

const refusedAmong = (addresses: readonly LookupAddress[]) => addresses.find(({ address }) => !isPublicAddress(address))
