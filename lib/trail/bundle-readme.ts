/**
 * What stands in the archive for whoever is handed it. The text belongs to version 1 of the layout: archives with it
 * exist and are compared with it, so another text is another version.
 */
export const bundleReadme = ({ org, request_id }: { org: string; request_id: string }): string =>
  `Evidence of what was recorded about one AI request.

Organisation: ${JSON.stringify(org)}
Request:      ${JSON.stringify(request_id)}

What it proves
  That the records in events/ were written to the organisation's record at their
  places, and that nobody has changed them since. It proves so to whoever knows
  the fingerprint of the organisation's signing key. Ask for the fingerprint
  over another way than the one by which this archive came to you.

How to verify it, without a network
  kt verify bundle.zip --fingerprint <64 hex digits>

  Or open the page /verify of any Keeptrusts console and drop the archive there:
  it is read by your browser and sent nowhere.

How to verify it with nothing of ours
  1. manifest.json has the SHA-256 and the size of every other file.
  2. The fingerprint is the SHA-256 of the public key in DER:
     openssl pkey -pubin -in keys/<kid>.pem -outform DER | sha256sum
  3. checkpoint.txt is a C2SP signed note by that key, or by one that follows
     from it: each key in bundle.json is signed by the key before it. It has
     the number of leaves and the root hash of an RFC 6962 Merkle tree.
  4. The leaf hash of a record is SHA-256 over a zero byte and the exact bytes
     of its file in events/. The proof beside it in bundle.json (RFC 9162,
     section 2.1.3.2) leads from there to the root of the checkpoint.
  5. digests/*.json were signed at the end of the periods in which the records
     were written; *.sig are raw Ed25519 signatures over their exact bytes. The
     proofs beside them (RFC 9162, section 2.1.4.2) lead to the checkpoint.
  6. A payload is the right one if SHA-256 over its salt and then its bytes is
     the commitment in its record. Erased payloads have neither left.

The formats are described in full in docs/trail-format.md of Keeptrusts.
`
