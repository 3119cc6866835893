/** A shape's frame says something that cannot be followed; what cannot be followed is not shown. */
export class UnreadableFrame extends Error {
  override readonly name = 'UnreadableFrame'
}

/** What a provider sent is a frame in no shape: not for policies to judge, because it is no answer. */
export class BrokenFrame extends Error {
  override readonly name = 'BrokenFrame'
}
