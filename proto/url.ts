/** A URL, or a text with URLs in it, as it may be shown: without user and password. */
export const withoutCredentials = (text: string): string => text.replace(/\/\/[^/@\s]*@/g, '//');
