// Names at the bounds of version 1.

/** An event name of as many bytes as fit: the length has 16 bits. */
export const LONG_EVENT = 'n'.repeat(65_535);
