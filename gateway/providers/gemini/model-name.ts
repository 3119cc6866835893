/** As it stands in a path: some write `models/` before it. */
export const modelName = (model: string): string => encodeURIComponent(model.replace(/^models\//, ''))
