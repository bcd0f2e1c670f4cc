/** Asks the hub's API as any user would, or as whoever a token is of. @throws Error with the hub's own message */
export async function ask<T>(
  url: string,
  query: string,
  variables: Record<string, unknown>,
  signal: AbortSignal,
  token?: string,
): Promise<T> {
  const response = await fetch(url, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
    },
    body: JSON.stringify({ query, variables }),
    signal,
  });
  const { data, errors } = (await response.json()) as { data?: T; errors?: { message: string }[] };
  if (errors?.length) throw new Error(errors.map((error) => error.message).join('; '));
  return data as T;
}
