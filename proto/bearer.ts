/** How a token of the hub looks: whose it is, and 256 random bits. */
export const TOKEN = /^flotilla_([a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?)_([A-Za-z0-9_-]{43})$/;

const TOKEN_TEXT = /flotilla_([a-z0-9][-a-z0-9]*)_[A-Za-z0-9_-]{8,}/g;

/** A text as it may be shown: of a token only whose it is. */
export const withoutTokens = (text: string): string => text.replace(TOKEN_TEXT, 'flotilla_$1_…');
