/** A shape's frame says something that cannot be followed; what cannot be followed is not shown. */
export class UnreadableFrame extends Error {
  override readonly name = 'UnreadableFrame'
}
