/** What extensions and receivers, which offer something to others, are called from one plan to the next. */
export const extensionKey = (id: string): string => `extension ${id}`
export const receiverKey = (id: string): string => `receiver ${id}`
