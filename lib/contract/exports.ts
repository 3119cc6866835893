export const EXPORT_TYPES = ['events', 'activity', 'escalations'] as const
export const EXPORT_FORMATS = ['json', 'json_lines', 'csv', 'parquet'] as const
export const EXPORT_STATES = ['queued', 'running', 'completed', 'failed', 'cancelled', 'expired'] as const
